// SPDX-License-Identifier: Apache-2.0
#include "filters/limits/adaptive_limit.hpp"

#include <algorithm>
#include <cmath>

namespace fusewire::limits {
namespace {

constexpr double kScale = 1024;
constexpr unsigned kSumBits = 44;
constexpr std::uint64_t kSumMask = (std::uint64_t{1} << kSumBits) - 1;
constexpr std::int64_t kSpans = 4;                  // of a request: how long a turn is
constexpr std::int64_t kLongestProbe = 3 * kSpans;  // beside it, where there are few requests
constexpr std::uint32_t kProbeSamples = 15;
constexpr std::uint32_t kLeastSamples = 20;  // of a change of the limit
constexpr std::int64_t kProbeEvery = 25;     // pairs of turns
constexpr std::int64_t kProbeSoon = 8;
constexpr std::int64_t kShortestTurn = 2'000'000;  // ns
constexpr std::uint64_t kAtLimit = std::uint64_t{1} << 32;

std::int64_t since_epoch(Time time) noexcept {
  return std::chrono::duration_cast<std::chrono::nanoseconds>(time.time_since_epoch()).count();
}

std::int64_t spans(const LatencyGradient& gradient, std::int64_t count) noexcept {
  return std::max(gradient.span().count() * count, kShortestTurn);
}

}  // namespace

// ------------------------------------------------------------------------------------------------------ samples

void AdaptiveLimit::Sums::add(double log, double around) noexcept {
  const double distance = log - around;
  sum_.fetch_add((std::uint64_t{1} << kSumBits) + static_cast<std::uint64_t>(log * kScale), std::memory_order_relaxed);
  squares_.fetch_add(static_cast<std::uint64_t>(distance * distance * kScale), std::memory_order_relaxed);
}

void AdaptiveLimit::Sums::clear() noexcept {
  sum_.store(0, std::memory_order_relaxed);
  squares_.store(0, std::memory_order_relaxed);
}

std::uint32_t AdaptiveLimit::Sums::count() const noexcept {
  return static_cast<std::uint32_t>(sum_.load(std::memory_order_relaxed) >> kSumBits);
}

LatencyBatch AdaptiveLimit::Sums::take(double around) noexcept {
  const std::uint64_t sum = sum_.exchange(0, std::memory_order_relaxed);
  const auto squares = static_cast<double>(squares_.exchange(0, std::memory_order_relaxed));
  LatencyBatch batch{.count = static_cast<double>(sum >> kSumBits)};
  if (batch.count == 0) return batch;
  batch.mean = static_cast<double>(sum & kSumMask) / kScale / batch.count;
  const double distance = batch.mean - around;
  batch.variance = std::max(0.0, squares / kScale / batch.count - distance * distance);
  return batch;
}

void AdaptiveLimit::record(const Settings& settings, std::chrono::nanoseconds latency, std::uint32_t in_flight,
                           Time now) noexcept {
  const Turn turn = turn_.load(std::memory_order_relaxed);
  if (turn == Turn::measure || turn == Turn::probe) {
    const double log = std::log2(static_cast<double>(std::max<std::int64_t>(latency.count(), 1)));
    const double around = minimum_.load(std::memory_order_relaxed);
    const std::uint32_t limit = steady_limit(settings);
    if (turn == Turn::probe || (in_flight <= few(limit) && limit > 1)) few_.add(log, around);
    if (turn == Turn::measure) {
      loaded_.add(log, around);
      const std::uint64_t over_half = in_flight > few(limit) || limit == 1 ? 1 : 0;
      const std::uint64_t at_limit = in_flight >= limit - limit / 10 ? kAtLimit : 0;
      use_.fetch_add(over_half + at_limit, std::memory_order_relaxed);
    }
  }
  if (since_epoch(now) < until_.load(std::memory_order_relaxed) || deciding_.test_and_set(std::memory_order_acquire))
    return;
  decide(settings, now);
  deciding_.clear(std::memory_order_release);
}

// ------------------------------------------------------------------------------------------------------ the limit

double AdaptiveLimit::current(const Settings& settings) const noexcept {
  const double limit = limit_.load(std::memory_order_relaxed);
  return limit == 0 ? settings.initial_limit : limit;
}

std::uint32_t AdaptiveLimit::steady_limit(const Settings& settings) const noexcept {
  const auto limit = static_cast<std::uint32_t>(current(settings));
  return std::clamp(limit, settings.min_limit, settings.max_limit);
}

// Where nothing ends any more, a probe does all the same.
std::uint32_t AdaptiveLimit::limit(const Settings& settings, Time now) const noexcept {
  const std::uint32_t limit = steady_limit(settings);
  if (turn_.load(std::memory_order_relaxed) < Turn::probe_settle) return limit;
  constexpr std::chrono::seconds kGrace{1};
  return since_epoch(now - kGrace) < until_.load(std::memory_order_relaxed) ? few(limit) : limit;
}

std::chrono::nanoseconds AdaptiveLimit::minimum_latency() const noexcept {
  const double log = minimum_.load(std::memory_order_relaxed);
  return std::chrono::nanoseconds(log == 0 ? 0 : std::llround(std::exp2(log)));
}

void AdaptiveLimit::clear() noexcept {
  limit_.store(0, std::memory_order_relaxed);
  forget_.store(true, std::memory_order_relaxed);
  until_.store(0, std::memory_order_relaxed);
}

// ------------------------------------------------------------------------------------------------------ turns

void AdaptiveLimit::begin(Turn turn, Time now) noexcept {
  loaded_.clear();
  few_.clear();
  use_.store(0, std::memory_order_relaxed);
  minimum_.store(gradient_.minimum(), std::memory_order_relaxed);
  until_.store(since_epoch(now) + spans(gradient_, kSpans), std::memory_order_relaxed);
  turn_.store(turn, std::memory_order_relaxed);
}

void AdaptiveLimit::decide(const Settings& settings, Time now) noexcept {
  if (forget_.exchange(false, std::memory_order_relaxed)) {
    gradient_ = {};
    next_probe_ = 0;
    limit_.store(0, std::memory_order_relaxed);
    return begin(Turn::measure, now);
  }
  const std::int64_t over = since_epoch(now) - until_.load(std::memory_order_relaxed);
  switch (turn_.load(std::memory_order_relaxed)) {
    case Turn::settle:
      return begin(Turn::measure, now);
    case Turn::probe_settle:
      return begin(Turn::probe, now);
    case Turn::probe:
      if (few_.count() < kProbeSamples && over < spans(gradient_, kLongestProbe)) return;
      gradient_.learn_minimum(few_.take(minimum_.load(std::memory_order_relaxed)), true);
      next_probe_ =
          since_epoch(now) + spans(gradient_, 2 * kSpans) * (gradient_.has_moved() ? kProbeSoon : kProbeEvery);
      return begin(Turn::settle, now);
    case Turn::measure:
      return end_measure(settings, now);
  }
}

void AdaptiveLimit::end_measure(const Settings& settings, Time now) noexcept {
  const std::uint32_t limit = steady_limit(settings);
  const std::uint32_t needed = std::max(limit, kLeastSamples);
  const double around = minimum_.load(std::memory_order_relaxed);
  if (few_.count() >= needed) {
    gradient_.learn_minimum(few_.take(around), false);
    minimum_.store(gradient_.minimum(), std::memory_order_relaxed);
  }
  const std::uint32_t count = loaded_.count();
  if (count < needed) return;
  const std::uint64_t use = use_.load(std::memory_order_relaxed);
  if ((use & (kAtLimit - 1)) * 4 < count) return begin(Turn::measure, now);  // too few in flight to say anything
  const LatencyBatch batch = loaded_.take(around);
  const bool had_moved = gradient_.has_moved();
  const double next = gradient_.next_limit(std::max(current(settings), 1.0), batch, (use >> 32) * 4 >= count);
  limit_.store(std::clamp(next, static_cast<double>(settings.min_limit), static_cast<double>(settings.max_limit)),
               std::memory_order_relaxed);
  if (limit == 1) gradient_.learn_minimum(batch, false);
  if (gradient_.has_moved())
    next_probe_ = had_moved ? std::min(next_probe_, since_epoch(now) + spans(gradient_, 2 * kSpans) * kProbeSoon) : 0;
  begin(since_epoch(now) >= next_probe_ ? Turn::probe_settle : Turn::settle, now);
}

}  // namespace fusewire::limits
