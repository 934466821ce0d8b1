// SPDX-License-Identifier: Apache-2.0
#include "filters/timeout/latency_window.hpp"

#include <algorithm>
#include <cmath>

namespace fusewire {
namespace {

constexpr unsigned kNumberBits = 40;  // slices of 1 ms for 34 years
constexpr unsigned kLengthBits = 48;
constexpr std::uint64_t kOneClear = std::uint64_t{1} << kLengthBits;

constexpr std::uint64_t number_of(std::uint64_t stretch) noexcept {
  return stretch & ((std::uint64_t{1} << kNumberBits) - 1);
}
constexpr std::uint64_t length_of(std::uint64_t shape) noexcept { return shape & (kOneClear - 1); }

// Clears are compared modulo 65,536; since the same clear, the higher number is newer.
bool is_newer(std::uint64_t stretch, std::uint64_t than) noexcept {
  const auto ahead = static_cast<std::uint16_t>((stretch >> kNumberBits) - (than >> kNumberBits));
  return ahead == 0 ? stretch > than : ahead < 0x8000;
}

std::uint64_t length(milliseconds window) noexcept {
  return static_cast<std::uint64_t>(std::clamp<std::int64_t>(window.count(), 80, std::int64_t{1} << 40));
}

// A counter's word is use:8 | latencies:24.
constexpr unsigned kCountBits = 24;
constexpr std::uint32_t kFull = (1U << kCountBits) - 1;
constexpr std::uint32_t use_of(std::uint32_t word) noexcept { return word >> kCountBits; }
constexpr std::uint32_t count_of(std::uint32_t word) noexcept { return word & kFull; }

// Left from an earlier use of the slice. Only a thread that is late itself meets a later one.
bool is_left_over(std::uint32_t word, std::uint32_t use) noexcept {
  const std::uint32_t behind = (use - use_of(word)) & 0xFF;
  return behind != 0 && behind < 0x80;
}

}  // namespace

LatencyWindow::LatencyWindow(milliseconds window, Time made) noexcept : made_(made), shape_(length(window)) {}

std::uint64_t LatencyWindow::stretch_at(Time now) const noexcept {
  const std::uint64_t shape = shape_.load(std::memory_order_acquire);
  const auto age = std::max<std::int64_t>(0, std::chrono::floor<milliseconds>(now - made_).count());
  const std::uint64_t number = static_cast<std::uint64_t>(age) * kSlices / length_of(shape);
  return shape >> kLengthBits << kNumberBits | number_of(number);
}

void LatencyWindow::count(std::size_t bucket, Time now) noexcept {
  const std::uint64_t stretch = stretch_at(now);
  Slice& slice = slices_[number_of(stretch) % kSlices];
  const auto use = begin(slice, stretch);
  if (!use) return;
  std::atomic<std::uint32_t>& counter = slice.counts[bucket];
  std::uint32_t seen = counter.load(std::memory_order_relaxed);
  std::uint32_t wanted = 0;
  do {
    const bool is_current = use_of(seen) == *use;
    if (is_current ? count_of(seen) == kFull : count_of(seen) != 0 && !is_left_over(seen, *use)) return;
    wanted = (is_current ? seen : *use << kCountBits) + 1;
  } while (!counter.compare_exchange_weak(seen, wanted, std::memory_order_relaxed));
}

// The slice's use for this stretch. Nothing: it has a newer one, because this thread was delayed for a window.
std::optional<std::uint32_t> LatencyWindow::begin(Slice& slice, std::uint64_t stretch) noexcept {
  std::uint64_t seen = slice.header.load(std::memory_order_acquire);
  while (seen >> kUseBits != stretch) {
    if (is_newer(seen >> kUseBits, stretch)) return std::nullopt;
    const std::uint64_t use = (seen + 1) & 0xFF;
    if (!slice.header.compare_exchange_weak(seen, stretch << kUseBits | use, std::memory_order_acq_rel)) continue;
    empty(slice, static_cast<std::uint32_t>(use));
    return static_cast<std::uint32_t>(use);
  }
  return static_cast<std::uint32_t>(seen & 0xFF);
}

// So that nothing is left when, 256 uses later, the same number comes again. Reader and writers need not wait for it.
void LatencyWindow::empty(Slice& slice, std::uint32_t use) noexcept {
  for (std::atomic<std::uint32_t>& counter : slice.counts) {
    std::uint32_t seen = counter.load(std::memory_order_relaxed);
    while (count_of(seen) != 0 && is_left_over(seen, use))
      if (counter.compare_exchange_weak(seen, 0, std::memory_order_relaxed)) break;
  }
}

LatencyWindow::Reading LatencyWindow::percentile(double p, Time now) const noexcept {
  Counts counts{};
  const std::uint64_t samples = gather(counts, now);
  if (samples == 0) return {};
  const double rank = std::ceil(p * static_cast<double>(samples) - 1e-6);
  auto left = static_cast<std::uint64_t>(std::clamp(rank, 1.0, static_cast<double>(samples)));
  std::size_t bucket = 0;
  while (counts[bucket] < left) left -= counts[bucket++];
  return {latency_scale::middle_of(bucket), samples};
}

std::uint64_t LatencyWindow::gather(Counts& counts, Time now) const noexcept {
  const std::uint64_t stretch = stretch_at(now);
  std::uint64_t samples = 0;
  for (std::uint64_t back = 0; back < kSlices && back <= number_of(stretch); ++back) {
    const Slice& slice = slices_[(number_of(stretch) - back) % kSlices];
    const std::uint64_t header = slice.header.load(std::memory_order_acquire);
    if (header >> kUseBits != stretch - back) continue;
    for (std::size_t bucket = 0; bucket < counts.size(); ++bucket) {
      const std::uint32_t word = slice.counts[bucket].load(std::memory_order_relaxed);
      const std::uint32_t count = use_of(word) == (header & 0xFF) ? count_of(word) : 0;
      counts[bucket] += count;
      samples += count;
    }
  }
  return samples;
}

void LatencyWindow::clear() noexcept { shape_.fetch_add(kOneClear, std::memory_order_acq_rel); }

void LatencyWindow::set_window(milliseconds window) noexcept {
  std::uint64_t seen = shape_.load(std::memory_order_relaxed);
  std::uint64_t wanted = 0;
  do {
    if (length_of(seen) == length(window)) return;
    wanted = (seen - length_of(seen) + kOneClear) | length(window);
  } while (!shape_.compare_exchange_weak(seen, wanted, std::memory_order_acq_rel, std::memory_order_relaxed));
}

std::uint32_t LatencyWindow::clears() const noexcept {
  return static_cast<std::uint32_t>(shape_.load(std::memory_order_acquire) >> kLengthBits);
}

}  // namespace fusewire
