// SPDX-License-Identifier: Apache-2.0
// Counts the calls of the last N milliseconds in 30 words, each a bucket that carries its epoch. A word of another
// epoch is empty to a reader and is started afresh by the next writer, so nothing rotates, no timer runs and an idle
// gap of any length leaves the ring empty. Thread-safe, lock-free.
//
// A bucket belongs to a tag as well (the breaker's generation): each tag shifts the epochs by one whole turn, so that
// all that was counted under an older tag lies a whole window back.
#pragma once

#include <array>
#include <atomic>
#include <cstdint>

#include "filters/breaker/core/state_word.hpp"

namespace fusewire::breaker {

struct Tally {
  std::uint64_t total = 0;
  std::uint64_t marked = 0;  // failures, or slow calls
};

inline constexpr unsigned kBuckets = 30;

// Where a moment lies on the ring, for all rings of one duration.
class TimeScale {
 public:
  struct Moment {
    unsigned slot = 0;
    std::uint64_t epoch = 0;
  };

  explicit TimeScale(milliseconds duration) noexcept;

  Millis duration() const noexcept { return duration_; }
  Moment at(std::uint32_t tag, Millis now) const noexcept {
    const std::uint64_t bucket = static_cast<std::uint64_t>(now) * kBuckets / static_cast<std::uint64_t>(duration_);
    return {static_cast<unsigned>(bucket % kBuckets), (bucket / kBuckets + tag) & epoch_mask()};
  }
  // The word is epoch | total | marked; what does not fit the counts is left to the epoch.
  unsigned count_bits() const noexcept { return count_bits_; }
  std::uint64_t epoch_mask() const noexcept { return ~std::uint64_t{0} >> (2 * count_bits_); }

 private:
  Millis duration_;
  unsigned count_bits_;  // enough for 240,000 calls a second, up to 25 (then a bucket is full at 33 million calls)
};

// Which buckets of a ring have a mark, of whatever epoch: where none has, nothing marked can be found in a sum. A
// bucket that is started afresh is taken out first, and a writer whose bucket has a mark when it is done puts it in: it
// is missed for an instant at most, and found by the next result.
class MarkedSlots {
 public:
  bool any() const noexcept { return bits_.load(std::memory_order_relaxed) != 0; }
  void put_in(unsigned slot) noexcept {
    if (!has(slot)) bits_.fetch_or(1U << slot, std::memory_order_acq_rel);
  }
  void take_out(unsigned slot) noexcept {
    if (has(slot)) bits_.fetch_and(~(1U << slot), std::memory_order_acq_rel);
  }

 private:
  bool has(unsigned slot) const noexcept { return (bits_.load(std::memory_order_acquire) >> slot & 1) != 0; }

  std::atomic<std::uint32_t> bits_{0};
  static_assert(kBuckets <= 32);
};

class TimeRing {
 public:
  void add(const TimeScale&, TimeScale::Moment, bool marked, MarkedSlots&) noexcept;
  Tally sum(const TimeScale&, TimeScale::Moment now) const noexcept;

 private:
  std::array<std::atomic<std::uint64_t>, kBuckets> words_{};
};

}  // namespace fusewire::breaker
