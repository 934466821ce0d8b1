// SPDX-License-Identifier: Apache-2.0
// The right to make one call.
#pragma once

#include <cstdint>

#include "filters/breaker/core/types.hpp"

namespace fusewire::breaker {

class Breaker;

// Ends exactly once; dropped means neutral. Movable, used by one thread at a time; must not outlive its breaker.
//
// Breaker::try_acquire makes it, and its caller owns it (BreakerFilter, Call). One of success, failure, neutral and
// withdraw ends it; on_slow and give_back_slot come before that, broke_off after a success. Each of them may be called
// at any time and does nothing where it does not apply, so an owner needs no state of its own.
class Permit {
 public:
  Permit() noexcept = default;  // holds nothing; every call on it does nothing
  Permit(Permit&&) noexcept;
  Permit& operator=(Permit&&) noexcept;
  ~Permit();

  void success(Time now) noexcept;
  void failure(FailureKind, Time now) noexcept;
  void neutral(Time now) noexcept;
  // The call has waited slower_than. Counts once; the permit lives on.
  void on_slow(Time now) noexcept;
  // The call is for others to judge: here it reaches only the totals. Not a trial's.
  void only_count() noexcept {
    if (active() && !is_trial()) unjudged_ = true;
  }
  // There was no call after all (it was answered here, without the upstream): ends the permit, which leaves no trace in
  // the totals and gives its slot back.
  void withdraw(Time now) noexcept;
  // Gives a half-open slot back while its call goes on, which is judged as a trial all the same. It is meant for a call
  // that is slow because of its own client, or ends without a verdict. One more trial at a time is admitted from then
  // on, unless this one has been judged as slow: otherwise clients that do this repeatedly could keep the breaker
  // half-open. False, and nothing changes, where the permit holds no slot (a closed breaker's never does) or has ended.
  bool give_back_slot(Time now) noexcept;
  // For a call that its client gives up before it is answered: true where no call has been answered for as long as this
  // one has waited, and the breaker is closed. At most one call in 5 ms finds that: it is worth to be waited for.
  bool meets_silence(Time now) const noexcept;
  // Of its breaker, in all.
  std::uint64_t answered_calls() const noexcept;
  // A stream that broke off after `settle_after` had ended its call by a success: a new, failed call. Counts once;
  // false where there was no such end.
  bool broke_off(FailureKind, Time now) noexcept;

  bool active() const noexcept { return phase_ == Phase::active; }  // not ended yet
  bool unjudged() const noexcept { return unjudged_; }              // reaches only the totals
  // Of the half-open that admitted it; not when it has ended, or given the slot back.
  bool holds_slot() const noexcept { return active() && slot_; }
  // Admitted by a half-open breaker, be its slot given back by now or not; stays readable after the end.
  bool is_trial() const noexcept { return slot_ || gave_back_; }
  // Of its admission; stays readable after the end.
  std::uint32_t generation() const noexcept { return generation_; }

 private:
  friend class Breaker;
  enum class Phase : std::uint8_t { none, active, succeeded, ended };

  Permit(Breaker& breaker, std::uint32_t generation, bool slot, bool unjudged, Time admitted) noexcept
      : breaker_(&breaker),
        admitted_(admitted),
        generation_(generation),
        phase_(Phase::active),
        slot_(slot),
        unjudged_(unjudged) {}

  void drop() noexcept;

  Breaker* breaker_ = nullptr;
  Time admitted_{};  // stamps the event of a permit that is dropped: a destructor knows no time
  std::uint32_t generation_ = 0;
  Phase phase_ = Phase::none;
  bool slot_ = false;       // of a half-open breaker
  bool gave_back_ = false;  // its slot: a trial all the same
  bool unjudged_ = false;
  bool slow_ = false;
};

}  // namespace fusewire::breaker
