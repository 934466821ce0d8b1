// SPDX-License-Identifier: Apache-2.0
// A breaker's permit with what decides how it ends: when the call turns slow, when a body that still flows ends it, and
// what its outcome is to the breaker.
#pragma once

#include <optional>

#include "filters/breaker/classify.hpp"
#include "filters/breaker/core/breaker.hpp"
#include "filters/chain_context.hpp"
#include "filters/counted_place.hpp"

namespace fusewire {

// A part of the filter that holds the permit, on its call's thread: the call's own filter, for the upstream's breaker,
// or an attempt's, for the endpoint's. It goes by the exchange that it is given: the call's last attempt, or the
// filter's own. `from` is the time since which the upstream's part runs; kNever: it has not begun.
class JudgedPermit {
 public:
  explicit JudgedPermit(const ChainContext& context) noexcept
      : classify_(context.classify), without_client_(context.calls_without_client) {}

  // What the breaker rejects it with; nullopt: there is a permit.
  std::optional<breaker::Rejection> acquire(breaker::Breaker&, const Call&, Time now);

  // When something is due: the call turns slow, is over although its body flows, or gives its half-open slot back.
  Time next_due(const Call&, const Exchange&, Time from) const;
  // Does what is due. True: the body has flowed long enough, and the call is to be judged as complete.
  bool on_due(const Call&, const Exchange&, Time from, Time now);
  void tell_slowness(const Call&, const Exchange&, Time from, Time now);

  // Ends the permit by what the outcome means; where the call runs on without its client, it only gives its slot back.
  // Nothing: there is no verdict, or none yet. `only_count`: for the totals alone.
  std::optional<Verdict> judge(const Call&, const Exchange&, Outcome, Time now, bool only_count = false);
  // For a call that was judged before its stream ended.
  void after_the_call(const Call&, const Exchange&, Time now);
  // Until when the call is to go on without its client, which gives it up now, if at all: a trial until the upstream
  // has answered; while the breaker is closed one that meets silence, until it turns slow. So many do at a time of an
  // upstream as there are slots, or make a row of slow calls.
  std::optional<Time> runs_on_until(const Call&, const Exchange&, Time from, Time now) noexcept;
  void run_on_is_over() noexcept { without_client_.leave(); }

  bool active() const noexcept { return permit_.active(); }
  bool holds_slot() const noexcept { return permit_.holds_slot(); }
  std::uint32_t generation() const noexcept { return permit_.generation(); }

 private:
  Time slow_at(const Call&, const Exchange&, Time from) const;
  Time settle_at(const Call&, const Exchange&) const;
  bool has_proved_itself(const Call&, const Exchange&, Time now) const;
  Time slot_until(const Exchange&) const;

  const CompiledClassify* classify_;
  breaker::Permit permit_;
  CountedPlace without_client_;
  bool reported_slow_ = false;
  std::optional<std::uint64_t> answered_before_;  // calls, when it began to go on in silence
};

}  // namespace fusewire
