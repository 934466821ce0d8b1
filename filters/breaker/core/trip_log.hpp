// SPDX-License-Identifier: Apache-2.0
// The last trip, written by the thread that won it and read by anyone, without a lock: words under a version that is
// odd while they change. A trip that finds another one still being written leaves that one in place. An open interval
// lies between two trips, so this happens only if a writer is suspended for that long.
#pragma once

#include <array>
#include <atomic>
#include <bit>
#include <cstdint>
#include <limits>
#include <optional>

#include "filters/breaker/core/state_word.hpp"

namespace fusewire::breaker {

class TripLog {
 public:
  void write(const Trip&) noexcept;
  std::optional<Trip> read() const noexcept;  // absent: there was none

 private:
  static constexpr std::size_t kWords = 7;
  std::atomic<std::uint64_t> version_{0};
  std::array<std::atomic<std::uint64_t>, kWords> words_{};
};

}  // namespace fusewire::breaker
