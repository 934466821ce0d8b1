// SPDX-License-Identifier: Apache-2.0
#include "filters/health/checked_health.hpp"

#include <algorithm>

namespace fusewire::health {

CheckedHealth::Change CheckedHealth::record(CheckResult result, int status, const Thresholds& thresholds, WallTime at) {
  constexpr std::uint32_t kMaxRow = 1'000'000;  // no threshold is larger
  if (result == CheckResult::not_made) return Change::none;
  const std::lock_guard lock(mutex_);
  const bool passed = result == CheckResult::passed;
  passed_ = passed ? std::min(passed_ + 1, kMaxRow) : 0;
  failed_ = passed ? 0 : std::min(failed_ + 1, kMaxRow);
  const bool turns = seen_.unhealthy ? passed_ >= thresholds.healthy : failed_ >= thresholds.unhealthy;
  seen_.last = result;
  seen_.status = status;
  seen_.checked = at;
  if (!seen_.since || turns) seen_.since = at;
  if (!turns) return Change::none;
  seen_.unhealthy = !seen_.unhealthy;
  unhealthy_.store(seen_.unhealthy, std::memory_order_relaxed);
  return seen_.unhealthy ? Change::to_unhealthy : Change::to_healthy;
}

void CheckedHealth::end_rows() {
  const std::lock_guard lock(mutex_);
  passed_ = failed_ = 0;
}

void CheckedHealth::forget() {
  const std::lock_guard lock(mutex_);
  seen_ = {};
  passed_ = failed_ = 0;
  unhealthy_.store(false, std::memory_order_relaxed);
}

CheckedHealth::View CheckedHealth::view() const {
  const std::lock_guard lock(mutex_);
  return seen_;
}

}  // namespace fusewire::health
