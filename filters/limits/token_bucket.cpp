// SPDX-License-Identifier: Apache-2.0
#include "filters/limits/token_bucket.hpp"

#include <algorithm>
#include <cmath>

namespace fusewire::limits {
namespace {

using std::chrono::nanoseconds;

constexpr std::int64_t kTicksPerNanosecond = 16;
constexpr double kTicksPerSecond = 1e9 * kTicksPerNanosecond;

// 2^60 ticks are 2.3 years. A burst that takes longer than this to come together is cut to it, so that no sum
// overflows.
constexpr double kMaxSpan = 1152921504606846976.0;

// By so much may the `now` of one thread lag behind that of another one.
constexpr std::int64_t kMaxLag = 1'000'000'000 * kTicksPerNanosecond;

std::int64_t ticks(Time now) noexcept {
  return std::chrono::duration_cast<nanoseconds>(now.time_since_epoch()).count() * kTicksPerNanosecond;
}

nanoseconds rounded_up(std::int64_t ticks) noexcept {
  return nanoseconds((ticks + kTicksPerNanosecond - 1) / kTicksPerNanosecond);
}

// A rate in ticks: of one token, and of all that fit the bucket.
struct Spans {
  explicit Spans(const Rate& rate) noexcept
      : token(clamped(std::ceil(kTicksPerSecond / rate.requests_per_second))),
        burst(clamped(static_cast<double>(token) * std::max(rate.burst, 1U))) {}

  static std::int64_t clamped(double span) noexcept {
    return static_cast<std::int64_t>(std::clamp(span, 1.0, kMaxSpan));
  }

  std::int64_t token;
  std::int64_t burst;
};

}  // namespace

std::optional<nanoseconds> TokenBucket::try_take(const Rate& rate, Time now) noexcept {
  const Spans spans(rate);
  const Ticks at = ticks(now);
  const Ticks last = at + spans.burst - spans.token;  // a bucket that is full later than this is empty now
  Ticks seen = full_at_.load(std::memory_order_relaxed);
  while (seen <= last)
    if (full_at_.compare_exchange_weak(seen, std::max(seen, at) + spans.token, std::memory_order_relaxed))
      return std::nullopt;
  const Ticks latest = at + spans.burst + kMaxLag;
  forgive(seen, latest);
  return rounded_up(std::min(seen, latest) - last);
}

// A token that was taken at a low rate is a long time at a higher one: after a reload the bucket might stay empty for
// an hour. So it is never behind an empty bucket by more than what the threads' `now` can differ.
void TokenBucket::forgive(Ticks seen, Ticks latest) noexcept {
  if (seen > latest) full_at_.compare_exchange_strong(seen, latest, std::memory_order_relaxed);
}

// One that is full stays full: a word in the past is as good as now.
void TokenBucket::give_back(const Rate& rate) noexcept {
  full_at_.fetch_sub(Spans(rate).token, std::memory_order_relaxed);
}

std::uint32_t TokenBucket::available(const Rate& rate, Time now) const noexcept {
  const Spans spans(rate);
  const Ticks at = ticks(now);
  const Ticks missing = std::max(full_at_.load(std::memory_order_relaxed), at) - at;
  return static_cast<std::uint32_t>(std::max<Ticks>(spans.burst - missing, 0) / spans.token);
}

}  // namespace fusewire::limits
