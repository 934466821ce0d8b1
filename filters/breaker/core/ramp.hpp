// SPDX-License-Identifier: Apache-2.0
// Which calls a breaker admits for a while after it has recovered (recovery.ramp), so that an upstream that has just
// come back does not get all of its load at once.
#pragma once

#include <algorithm>
#include <atomic>
#include <cstdint>

#include "filters/breaker/core/state_word.hpp"

namespace fusewire::breaker {

// The share of calls that is admitted: from 10 % when the breaker has just closed, linearly, to all once `duration` has
// passed. In whole numbers, parts of 10 x duration, so that 10 % is every tenth call and not every eleventh.
class RampShare {
 public:
  // Durations are below 2^32 ms (as Settings has them), so that a whole call fits the ramp's 42 bits; one of 0 admits
  // all. A time before `closed_since` is taken for `closed_since`.
  constexpr RampShare(Millis closed_since, Millis duration, Millis now) noexcept
      : whole_(static_cast<std::uint64_t>(10 * duration)),
        parts_(static_cast<std::uint64_t>(duration + 9 * std::clamp<Millis>(now - closed_since, 0, duration))) {}

  constexpr bool is_all() const noexcept { return parts_ >= whole_; }
  constexpr std::uint64_t parts() const noexcept { return parts_; }
  constexpr std::uint64_t whole() const noexcept { return whole_; }
  constexpr double value() const noexcept {
    return is_all() ? 1 : static_cast<double>(parts_) / static_cast<double>(whole_);
  }

 private:
  std::uint64_t whole_;
  std::uint64_t parts_;
};

// Thread-safe, lock-free: one word. Each call of a generation adds the share of its moment to what the calls before it
// left over, and is admitted where that makes a whole one (error diffusion). So at 10 % each tenth is admitted at any
// rate, by all threads together, and over any calls of a ramp the admitted ones differ from the sum of their shares by
// less than one. The first call of a generation is admitted: the trials have just succeeded, and the only call of a
// quiet upstream must not be refused.
class Ramp {
 public:
  bool admit(std::uint32_t generation, RampShare share) noexcept {
    std::uint64_t seen = word_.load(std::memory_order_relaxed);
    std::uint64_t filled = 0;
    do {
      const auto tag = static_cast<std::uint32_t>(seen >> kRestBits);
      if (newer_generation(tag, generation)) return true;  // this thread is late: as without a ramp
      // A reload may have changed the duration, and with it the parts.
      const std::uint64_t left = tag == generation ? std::min(seen & kRestMask, share.whole() - 1) : share.whole();
      filled = left + (tag == generation ? share.parts() : 0);
    } while (!word_.compare_exchange_weak(seen, pack(generation, filled, share), std::memory_order_relaxed));
    return filled >= share.whole();
  }

 private:
  static constexpr unsigned kRestBits = 64 - kGenerationBits;
  static constexpr std::uint64_t kRestMask = (std::uint64_t{1} << kRestBits) - 1;

  static std::uint64_t pack(std::uint32_t generation, std::uint64_t filled, RampShare share) noexcept {
    const std::uint64_t rest = filled >= share.whole() ? filled - share.whole() : filled;
    return std::uint64_t{generation} << kRestBits | rest;
  }

  std::atomic<std::uint64_t> word_{0};  // generation:22 | parts left over:42
};

}  // namespace fusewire::breaker
