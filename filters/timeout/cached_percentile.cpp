// SPDX-License-Identifier: Apache-2.0
#include "filters/timeout/cached_percentile.hpp"

#include <algorithm>
#include <cmath>

namespace fusewire {
namespace {

constexpr unsigned kSampleBits = 25;
constexpr unsigned kBucketBits = 9;
constexpr unsigned kKeyShift = kSampleBits + kBucketBits;
constexpr unsigned kShareBits = 14;
constexpr std::uint64_t kMaxSamples = (std::uint64_t{1} << kSampleBits) - 1;  // counted no further
static_assert(latency_scale::kBuckets <= 1U << kBucketBits);

// Of which window's contents, and which percentile. Never 0, as the word is before the first reading: the share is at
// least 1/10,000.
std::uint64_t key_of(const LatencyWindow& window, double p) noexcept {
  const auto share = static_cast<std::uint64_t>(std::lround(std::clamp(p, 0.0001, 1.0) * 10'000));
  return std::uint64_t{window.clears()} << kShareBits | share;
}

std::uint64_t pack(std::uint64_t key, const LatencyWindow::Reading& reading) noexcept {
  return key << kKeyShift | std::uint64_t{latency_scale::bucket_of(reading.value)} << kSampleBits |
         std::min(reading.samples, kMaxSamples);
}

LatencyWindow::Reading unpack(std::uint64_t word) noexcept {
  const std::uint64_t samples = word & kMaxSamples;
  if (samples == 0) return {};
  const auto bucket = static_cast<std::size_t>(word >> kSampleBits & ((1U << kBucketBits) - 1));
  return {latency_scale::middle_of(bucket), samples};
}

}  // namespace

LatencyWindow::Reading CachedPercentile::read(const LatencyWindow& window, double p, Time now) noexcept {
  const std::int64_t ms = std::chrono::floor<milliseconds>(now.time_since_epoch()).count();
  const std::uint64_t key = key_of(window, p);
  const std::uint64_t kept = kept_.load(std::memory_order_acquire);
  std::int64_t read_at = read_at_.load(std::memory_order_relaxed);
  const bool is_usable = kept >> kKeyShift == key;
  if (is_usable && ms - read_at < kKeptMs) return unpack(kept);
  const bool is_mine = read_at_.compare_exchange_strong(read_at, ms, std::memory_order_relaxed);
  if (is_usable && !is_mine) return unpack(kept);
  const LatencyWindow::Reading reading = window.percentile(p, now);
  kept_.store(pack(key, reading), std::memory_order_release);
  return reading;
}

}  // namespace fusewire
