// SPDX-License-Identifier: Apache-2.0
#include "filters/breaker/core/time_ring.hpp"

#include <algorithm>
#include <bit>

namespace fusewire::breaker {

namespace {

constexpr unsigned kMaxCountBits = 25;

// A writer that was delayed while others turned the ring finds epochs a little ahead; what seems further ahead is what
// an earlier round of the epoch left.
bool newer_epoch(std::uint64_t a, std::uint64_t b, std::uint64_t mask) noexcept {
  const std::uint64_t ahead = (a - b) & mask;
  return ahead != 0 && ahead < std::min<std::uint64_t>(1U << 16, mask >> 4);
}

}  // namespace

TimeScale::TimeScale(milliseconds duration) noexcept
    : duration_(std::max<Millis>(duration.count(), kBuckets)),
      count_bits_(static_cast<unsigned>(std::bit_width(8 * static_cast<std::uint64_t>(duration_)))) {
  count_bits_ = std::min(count_bits_, kMaxCountBits);
}

void TimeRing::add(const TimeScale& scale, TimeScale::Moment now, bool marked, MarkedSlots& slots) noexcept {
  const unsigned bits = scale.count_bits();
  const std::uint64_t full = (std::uint64_t{1} << bits) - 1;
  const std::uint64_t one = (std::uint64_t{1} << bits) + (marked ? 1 : 0);
  std::atomic<std::uint64_t>& word = words_[now.slot];
  std::uint64_t seen = word.load(std::memory_order_relaxed);
  for (;;) {
    const std::uint64_t epoch = seen >> (2 * bits);
    const bool is_current = epoch == now.epoch;
    if (is_current && ((seen >> bits) & full) == full) break;  // both counts stay, and so does their ratio
    if (!is_current && newer_epoch(epoch, now.epoch, scale.epoch_mask())) break;
    if (!is_current) slots.take_out(now.slot);
    const std::uint64_t wanted = is_current ? seen + one : (now.epoch << (2 * bits)) + one;
    if (!word.compare_exchange_weak(seen, wanted, std::memory_order_acq_rel, std::memory_order_relaxed)) continue;
    seen = wanted;
    break;
  }
  if ((seen & full) != 0) slots.put_in(now.slot);
}

Tally TimeRing::sum(const TimeScale& scale, TimeScale::Moment now) const noexcept {
  const unsigned bits = scale.count_bits();
  const std::uint64_t full = (std::uint64_t{1} << bits) - 1;
  const std::uint64_t before = (now.epoch - 1) & scale.epoch_mask();
  Tally tally;
  for (unsigned slot = 0; slot < kBuckets; ++slot) {
    const std::uint64_t word = words_[slot].load(std::memory_order_relaxed);
    const std::uint64_t epoch = word >> (2 * bits);
    // The slots after now's are still those of the turn before.
    const bool counts = epoch == now.epoch || (slot > now.slot && epoch == before);
    const std::uint64_t kept = counts ? word : 0;
    tally.total += (kept >> bits) & full;
    tally.marked += kept & full;
  }
  return tally;
}

}  // namespace fusewire::breaker
