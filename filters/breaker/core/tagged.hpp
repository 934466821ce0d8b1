// SPDX-License-Identifier: Apache-2.0
// Words that belong to a generation. A late write with an older generation changes nothing, and what an older
// generation left behind is not seen: that is how a transition or a reset empties them all at once.
// Thread-safe, lock-free.
#pragma once

#include <algorithm>
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

// A count within a generation.
class TaggedCount {
 public:
  void add(std::uint32_t generation) noexcept {
    std::uint64_t seen = word_.load(std::memory_order_relaxed);
    std::uint64_t wanted = 0;
    do {
      const auto tag = static_cast<std::uint32_t>(seen >> kCountBits);
      if (newer_generation(tag, generation)) return;
      wanted = tag == generation ? seen + 1 : std::uint64_t{generation} << kCountBits | 1;
    } while (!word_.compare_exchange_weak(seen, wanted, std::memory_order_acq_rel, std::memory_order_relaxed));
  }

  std::uint64_t of(std::uint32_t generation) const noexcept {
    const std::uint64_t seen = word_.load(std::memory_order_acquire);
    return seen >> kCountBits == generation ? seen & kCountMask : 0;
  }

 private:
  static constexpr unsigned kCountBits = 64 - kGenerationBits;
  static constexpr std::uint64_t kCountMask = (std::uint64_t{1} << kCountBits) - 1;
  std::atomic<std::uint64_t> word_{0};
};

// Calls in a row within a closed generation, exact to 65,535: failures, or slow calls. Its generation stays readable
// while open and half-open: it is the one whose windows are shown.
//
//   63..42 generation | 41..20 id of the row | 16 spread | 15..0 calls
//
// A row has an id, so that the time of its first call, which has a word of its own, is never taken for another row's.
class Streak {
 public:
  static constexpr std::uint32_t kMaxCalls = 65535;

  struct Value {
    std::uint32_t generation = 0;
    std::uint32_t calls = 0;
    bool spread = false;  // its first and its last call lie at least 10 ms apart
  };

  Value add(std::uint32_t generation, Millis now) noexcept {
    return update(generation, [&](Row& row) {
      if (row.calls == 0) {
        row.id = (row.id + 1) & kGenerationMask;
        first_.publish(row.id, now);  // before the row can be seen
      } else {
        row.spread = row.spread || began_before(row.id, now - kSpread, now);
      }
      row.calls = std::min(row.calls + 1, kMaxCalls);
    });
  }
  Value interrupt(std::uint32_t generation) noexcept {
    return update(generation, [](Row& row) { row = {.id = row.id}; });
  }
  // Makes the generation the one that is shown and leaves its row as it is.
  Value begun(std::uint32_t generation) noexcept {
    return update(generation, [](Row&) {});
  }

  Value read() const noexcept {
    const std::uint64_t word = word_.load(std::memory_order_acquire);
    const Row row = row_of(word);
    return {generation_of(word), row.calls, row.spread};
  }

 private:
  static constexpr Millis kSpread = 10;
  static constexpr unsigned kIdShift = 20;
  static constexpr std::uint64_t kSpreadBit = std::uint64_t{1} << 16;

  struct Row {
    std::uint32_t id = 0;
    std::uint32_t calls = 0;
    bool spread = false;
  };

  static std::uint32_t generation_of(std::uint64_t word) noexcept {
    return static_cast<std::uint32_t>(word >> (64 - kGenerationBits));
  }
  static Row row_of(std::uint64_t word) noexcept {
    return {static_cast<std::uint32_t>(word >> kIdShift) & kGenerationMask,
            static_cast<std::uint32_t>(word) & kMaxCalls, (word & kSpreadBit) != 0};
  }
  static std::uint64_t pack(std::uint32_t generation, const Row& row) noexcept {
    return std::uint64_t{generation} << (64 - kGenerationBits) | std::uint64_t{row.id} << kIdShift |
           (row.spread ? kSpreadBit : 0) | row.calls;
  }

  // A thread that slept through 65,536 rows may have overwritten the time: then the row begins anew, now.
  bool began_before(std::uint32_t id, Millis limit, Millis now) noexcept {
    const Millis first = first_.of(id);
    if (first < 0) first_.publish(id, now);
    return first >= 0 && first <= limit;
  }

  template <class Change>
  Value update(std::uint32_t generation, Change change) noexcept {
    std::uint64_t seen = word_.load(std::memory_order_relaxed);
    for (;;) {
      if (newer_generation(generation_of(seen), generation)) return {};
      Row row = row_of(seen);
      if (generation_of(seen) != generation) row = {.id = row.id};
      change(row);
      const std::uint64_t wanted = pack(generation, row);
      if (wanted == seen ||
          word_.compare_exchange_weak(seen, wanted, std::memory_order_acq_rel, std::memory_order_relaxed))
        return {generation, row.calls, row.spread};
    }
  }

  std::atomic<std::uint64_t> word_{0};
  Stamp first_;  // by the row's id
};

}  // namespace fusewire::breaker
