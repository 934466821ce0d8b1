// SPDX-License-Identifier: Apache-2.0
// What active checks have found out of one address: healthy until so many in a row have failed, unhealthy until so many
// in a row have passed. Traffic has no part in it.
#pragma once

#include <atomic>
#include <cstdint>
#include <mutex>
#include <optional>

#include "filters/health/check_result.hpp"
#include "filters/time.hpp"

namespace fusewire::health {

// Thread-safe. The worker that has the checks records them, and a mutex guards what is shown; a request reads one flag.
class CheckedHealth {
 public:
  struct Thresholds {
    std::uint32_t healthy = 2;
    std::uint32_t unhealthy = 3;
  };
  enum class Change : std::uint8_t { none, to_healthy, to_unhealthy };

  // A result of not_made changes nothing.
  Change record(CheckResult, int status, const Thresholds&, WallTime at);
  // The rows begin anew, since something else is checked from now on; what is known stays.
  void end_rows();
  // As if it had never been checked.
  void forget();

  bool is_unhealthy() const noexcept { return unhealthy_.load(std::memory_order_relaxed); }

  struct View {
    bool unhealthy = false;
    CheckResult last = CheckResult::not_made;  // of the last check that was made; not_made: there was none
    int status = 0;                            // of bad_status and passed
    std::optional<WallTime> checked;           // when that ended
    std::optional<WallTime> since;             // it is what it is; at the earliest since the first check
  };
  View view() const;

 private:
  std::atomic<bool> unhealthy_{false};
  mutable std::mutex mutex_;
  View seen_;
  std::uint32_t passed_ = 0;  // in a row
  std::uint32_t failed_ = 0;
};

}  // namespace fusewire::health
