// SPDX-License-Identifier: Apache-2.0
// One request at an address, from its begin to its end, as the address's EndpointHealth counts it.
#pragma once

#include <utility>

#include "filters/balance/endpoint_health.hpp"

namespace fusewire::balance {

// An attempt owns one from when its address is chosen. Ends exactly once; dropped means neutral. Each function may be
// called at any time, and does nothing where it does not apply. Movable, used by one thread at a time; must not outlive
// its EndpointHealth.
class Flight {
 public:
  Flight() noexcept = default;  // counts nothing
  Flight(EndpointHealth& health, Time now) noexcept : health_(&health), since_(now), phase_(Phase::waiting) {
    health.begin(now);
  }
  Flight(Flight&& other) noexcept
      : health_(other.health_), since_(other.since_), phase_(std::exchange(other.phase_, Phase::over)) {}
  Flight& operator=(Flight&& other) noexcept {
    if (this == &other) return *this;
    drop();
    health_ = other.health_;
    since_ = other.since_;
    phase_ = std::exchange(other.phase_, Phase::over);
    return *this;
  }
  ~Flight() { drop(); }

  // The request's body is being sent: what takes time is not the address, until resume().
  void pause() noexcept {
    if (phase_ != Phase::waiting) return;
    health_->pause();
    phase_ = Phase::paused;
  }
  void resume(Time now) noexcept {
    if (phase_ != Phase::paused) return;
    health_->resume(now);
    since_ = now;
    phase_ = Phase::waiting;
  }
  // The response's head has come: success, or failure by its status. Its latency is known now.
  void answered(Result result, Time now) noexcept {
    const Result judged = judged_as(result);
    resume(now);
    if (phase_ != Phase::waiting) return;
    health_->answered(judged, now - since_, now);
    phase_ = Phase::answered;
  }
  void end(Result result, Time now) noexcept {
    const Result judged = judged_as(result);
    resume(now);
    if (phase_ == Phase::waiting) health_->end(judged, now - since_, now);
    if (phase_ == Phase::answered) health_->end_answered(judged, now - since_, now);
    phase_ = Phase::over;
  }

 private:
  enum class Phase : std::uint8_t { over, waiting, paused, answered };

  // A success, or a wait, before the request's body was sent has no latency.
  Result judged_as(Result result) const noexcept {
    return phase_ == Phase::paused && result != Result::failure ? Result::neutral : result;
  }
  void drop() noexcept { end(Result::neutral, since_); }

  EndpointHealth* health_ = nullptr;
  Time since_{};  // it waits
  Phase phase_ = Phase::over;
};

}  // namespace fusewire::balance
