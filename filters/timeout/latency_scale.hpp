// SPDX-License-Identifier: Apache-2.0
// The buckets of a latency histogram: log-linear, as HdrHistogram's are. 16 of equal width for each doubling from 0.1
// ms to 3.7 hours, and 16 for what is below 0.1 ms; longer ones share the last. A bucket is known by its middle, which
// is at most 1/32 (3.1 %) away from any duration in it, from 0.1 ms on. Pure functions.
#pragma once

#include <algorithm>
#include <bit>
#include <chrono>
#include <cstddef>
#include <cstdint>

namespace fusewire::latency_scale {

using std::chrono::nanoseconds;

inline constexpr unsigned kPerDoubling = 16;
inline constexpr unsigned kDoublings = 27;
inline constexpr std::size_t kBuckets = kPerDoubling * (kDoublings + 1);
inline constexpr std::int64_t kTick = 6250;  // ns, 0.1 ms / 16: the width of the narrowest buckets

// Negative ones are in the first.
constexpr std::size_t bucket_of(nanoseconds latency) noexcept {
  constexpr std::int64_t kMaxTicks = (std::int64_t{1} << (kDoublings + 4)) - 1;
  const auto ticks = static_cast<std::uint64_t>(std::clamp<std::int64_t>(latency.count() / kTick, 0, kMaxTicks));
  if (ticks < kPerDoubling) return static_cast<std::size_t>(ticks);
  const auto doublings = static_cast<unsigned>(std::bit_width(ticks)) - 5;
  return static_cast<std::size_t>(doublings * kPerDoubling + (ticks >> doublings));
}

constexpr nanoseconds middle_of(std::size_t bucket) noexcept {
  const auto number = static_cast<std::int64_t>(bucket);
  if (bucket < kPerDoubling) return nanoseconds(number * kTick + kTick / 2);
  const std::int64_t doublings = number / kPerDoubling - 1;
  const std::int64_t twice = 2 * (kPerDoubling + number % kPerDoubling) + 1;  // half ticks, before the doublings
  return nanoseconds((twice << doublings) * kTick / 2);
}

// The first bucket whose middle is not below the latency (the last one for what is beyond the scale).
constexpr std::size_t bucket_not_below(nanoseconds latency) noexcept {
  const std::size_t bucket = bucket_of(latency);
  return middle_of(bucket) < latency ? std::min(bucket + 1, kBuckets - 1) : bucket;
}

}  // namespace fusewire::latency_scale
