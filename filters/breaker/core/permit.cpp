// SPDX-License-Identifier: Apache-2.0
#include "filters/breaker/core/permit.hpp"

#include <utility>

#include "filters/breaker/core/breaker.hpp"

namespace fusewire::breaker {

Permit::Permit(Permit&& other) noexcept
    : breaker_(other.breaker_),
      admitted_(other.admitted_),
      generation_(other.generation_),
      phase_(std::exchange(other.phase_, Phase::none)),
      slot_(other.slot_),
      gave_back_(other.gave_back_),
      unjudged_(other.unjudged_),
      slow_(other.slow_) {}

Permit& Permit::operator=(Permit&& other) noexcept {
  if (this == &other) return *this;
  drop();
  breaker_ = other.breaker_;
  admitted_ = other.admitted_;
  generation_ = other.generation_;
  phase_ = std::exchange(other.phase_, Phase::none);
  slot_ = other.slot_;
  gave_back_ = other.gave_back_;
  unjudged_ = other.unjudged_;
  slow_ = other.slow_;
  return *this;
}

Permit::~Permit() { drop(); }

void Permit::drop() noexcept { neutral(admitted_); }

void Permit::success(Time now) noexcept {
  if (!active()) return;
  phase_ = Phase::succeeded;
  breaker_->finish(*this, Event::Result::success, FailureKind::other, now);
}

void Permit::failure(FailureKind kind, Time now) noexcept {
  if (!active()) return;
  phase_ = Phase::ended;
  breaker_->finish(*this, Event::Result::failure, kind, now);
}

void Permit::neutral(Time now) noexcept {
  if (!active()) return;
  phase_ = Phase::ended;
  breaker_->finish(*this, Event::Result::neutral, FailureKind::other, now);
}

void Permit::on_slow(Time now) noexcept {
  if (active() && !slow_ && !unjudged_) slow_ = breaker_->turned_slow(*this, now);
}

void Permit::withdraw(Time now) noexcept {
  if (!active()) return;
  phase_ = Phase::ended;
  if (slot_) breaker_->give_back_early(generation_, Breaker::Room::same, now);
}

bool Permit::give_back_slot(Time now) noexcept {
  if (!holds_slot()) return false;
  slot_ = false;
  gave_back_ = true;
  breaker_->give_back_early(generation_, slow_ ? Breaker::Room::same : Breaker::Room::one_more, now);
  return true;
}

bool Permit::meets_silence(Time now) const noexcept { return active() && breaker_->is_silent(*this, now); }

std::uint64_t Permit::answered_calls() const noexcept { return breaker_ == nullptr ? 0 : breaker_->answered_calls(); }

bool Permit::broke_off(FailureKind kind, Time now) noexcept {
  if (phase_ != Phase::succeeded) return false;
  phase_ = Phase::ended;
  breaker_->broke_off(*this, kind, now);
  return true;
}

}  // namespace fusewire::breaker
