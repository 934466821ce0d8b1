// SPDX-License-Identifier: Apache-2.0
// Words that belong to a generation. Whoever comes late with an older generation changes nothing, and what an older
// generation left behind is not seen: that is how a transition or a reset empties them all at once.
// Thread-safe, lock-free.
#pragma once

#include <atomic>
#include <cstdint>

#include "filters/breaker/core/state_word.hpp"

namespace fusewire::breaker {

// A time of a generation; the latest one stays. 42 bits of milliseconds: 139 years.
class Stamp {
 public:
  void publish(std::uint32_t generation, Millis time) noexcept {
    const std::uint64_t wanted =
        std::uint64_t{generation} << kTimeBits | (static_cast<std::uint64_t>(time) & kTimeMask);
    std::uint64_t seen = word_.load(std::memory_order_relaxed);
    do {
      const auto tag = static_cast<std::uint32_t>(seen >> kTimeBits);
      if (newer_generation(tag, generation) || (tag == generation && seen >= wanted)) return;
    } while (!word_.compare_exchange_weak(seen, wanted, std::memory_order_acq_rel, std::memory_order_relaxed));
  }

  // -1: nothing is published for that generation (yet).
  Millis of(std::uint32_t generation) const noexcept {
    const std::uint64_t seen = word_.load(std::memory_order_acquire);
    return seen >> kTimeBits == generation ? static_cast<Millis>(seen & kTimeMask) : -1;
  }

 private:
  static constexpr unsigned kTimeBits = 64 - kGenerationBits;
  static constexpr std::uint64_t kTimeMask = (std::uint64_t{1} << kTimeBits) - 1;
  std::atomic<std::uint64_t> word_{0};
};

// Failures in a row within a closed generation, exact to 65,535. Its generation stays readable while open and
// half-open: it is the one whose windows are shown.
class Streak {
 public:
  struct Value {
    std::uint32_t generation = 0;
    std::uint32_t failures = 0;
  };

  std::uint32_t failed(std::uint32_t generation) noexcept {
    return update(generation, [](std::uint32_t failures) { return failures < kMost ? failures + 1 : kMost; });
  }
  std::uint32_t succeeded(std::uint32_t generation) noexcept {
    return update(generation, [](std::uint32_t) { return 0U; });
  }
  // Makes the generation the one that is shown; returns its failures.
  std::uint32_t begun(std::uint32_t generation) noexcept {
    return update(generation, [](std::uint32_t failures) { return failures; });
  }

  Value read() const noexcept { return unpack(word_.load(std::memory_order_acquire)); }

 private:
  static constexpr std::uint32_t kMost = 65535;

  static Value unpack(std::uint64_t word) noexcept {
    return {static_cast<std::uint32_t>(word >> 32), static_cast<std::uint32_t>(word)};
  }

  template <class Change>
  std::uint32_t update(std::uint32_t generation, Change change) noexcept {
    std::uint64_t seen = word_.load(std::memory_order_relaxed);
    for (;;) {
      const Value value = unpack(seen);
      if (newer_generation(value.generation, generation)) return 0;
      const std::uint32_t failures = change(value.generation == generation ? value.failures : 0);
      const std::uint64_t wanted = std::uint64_t{generation} << 32 | failures;
      if (wanted == seen ||
          word_.compare_exchange_weak(seen, wanted, std::memory_order_acq_rel, std::memory_order_relaxed))
        return failures;
    }
  }

  std::atomic<std::uint64_t> word_{0};
};

}  // namespace fusewire::breaker
