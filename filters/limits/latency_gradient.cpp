// SPDX-License-Identifier: Apache-2.0
#include "filters/limits/latency_gradient.hpp"

#include <algorithm>
#include <cmath>
#include <numbers>

namespace fusewire::limits {
namespace {

// Figures found by simulation: tests/unit/filters/limits/adaptive_limit_simulation_test.cpp. Weights are in samples,
// differences in powers of two.
constexpr double kMinimumWeight = 200;
constexpr double kMinimumBatches = 4;  // of a probe: one alone does not decide
constexpr double kRecentWeight = 60;
constexpr double kLoadedWeight = 60;
constexpr double kLoadedBatches = 2;
constexpr double kVarianceWeight = 200;
constexpr double kLeastVariance = 1e-4;
constexpr double kNewMinimum = 4;  // standard errors of the recent mean
constexpr double kNoQueue = 3;     // standard errors of one probe
constexpr double kFloor = 0.02;    // a difference below it is none: 1.4 %
constexpr double kMoved = 0.2;     // beyond chance: 15 %
constexpr double kDecrease = 0.6;  // of the difference, at a time
constexpr double kMaxDifference = 1.5;
constexpr double kHeadroom = 0.02;     // growth at a time
constexpr double kFromOne = 0.1;       // growth of a limit of 1, under which there is never a queue
constexpr double kAcceleration = 1.5;  // of the growth, where the latency stays at its minimum
constexpr double kMaxAcceleration = 8;
constexpr double kCalm = 3;       // times until it begins
constexpr double kChance = 0.7;   // standard errors that are put down to chance
constexpr double kDrift = 0.004;  // of the minimum towards the latency under load

}  // namespace

void LatencyGradient::Mean::add(const LatencyBatch& batch, double max_weight) noexcept {
  weight = std::min(weight + batch.count, std::max(max_weight, batch.count));
  mean += (batch.mean - mean) * batch.count / weight;
}

// The standard error of the difference of two means of so many samples.
double LatencyGradient::spread(double one_count, double other_count) const noexcept {
  return std::sqrt(variance_ * (1 / one_count + 1 / other_count));
}

std::chrono::nanoseconds LatencyGradient::span() const noexcept {
  const double log = std::max(minimum_.mean, std::min(loaded_.mean, minimum_.mean + 2));
  return std::chrono::nanoseconds(static_cast<std::int64_t>(std::exp2(std::min(log, 45.0))));
}

void LatencyGradient::learn_variance(const LatencyBatch& batch) {
  if (batch.count < 3) return;
  variance_weight_ = std::min(variance_weight_ + batch.count, kVarianceWeight);
  const double unbiased = batch.variance * batch.count / (batch.count - 1);
  const double share = std::min(1.0, batch.count / variance_weight_);
  variance_ = std::max(kLeastVariance, variance_ + (unbiased - variance_) * share);
}

void LatencyGradient::learn_minimum(const LatencyBatch& batch, bool probed) {
  if (batch.count == 0) return;
  learn_variance(batch);
  const Mean before = minimum_;
  minimum_.add(batch, std::max(kMinimumWeight, kMinimumBatches * batch.count));
  recent_.add(batch, kRecentWeight);
  const double chance = kNewMinimum * std::sqrt(variance_ / recent_.weight) + kFloor;
  if (std::abs(recent_.mean - minimum_.mean) > chance)
    minimum_ = recent_;
  else if (probed && before.weight > 0 && loaded_.weight > 0 && is_no_queue(batch, before))
    minimum_ = recent_ = {batch.mean, batch.count};
}

// Half of the requests take longer than the minimum, and as long as all of them.
bool LatencyGradient::is_no_queue(const LatencyBatch& batch, const Mean& before) const {
  if (batch.mean - before.mean <= kNoQueue * (spread(batch.count, before.weight) + kFloor)) return false;
  const double chance = spread(batch.count, loaded_.weight) + kFloor;
  const double half = (loaded_.mean - before.mean) / 2;
  return batch.mean > loaded_.mean - std::clamp(half, 0.0, chance);
}

// Half of the limit has gone since the latency moved, and the latency has not followed: there was no queue.
bool LatencyGradient::has_fallen_in_vain(double limit) {
  if (!moved_) high_limit_ = 0;
  if (!moved_ || loaded_.mean <= minimum_.mean) return false;
  if (high_limit_ == 0) peak_ = loaded_.mean;
  high_limit_ = std::max(high_limit_, limit);
  peak_ = std::max(peak_, loaded_.mean);
  if (limit * 2 > high_limit_ || loaded_.mean < peak_ - std::log2(high_limit_ / limit) / 2) return false;
  high_limit_ = 0;
  return true;
}

double LatencyGradient::next_limit(double limit, const LatencyBatch& batch, bool wanted_more) {
  if (!knows_minimum()) minimum_ = recent_ = {batch.mean, 5};
  loaded_.add(batch, std::max(kLoadedWeight, kLoadedBatches * batch.count));
  if (has_fallen_in_vain(limit)) minimum_ = recent_ = loaded_;
  const double chance = spread(minimum_.weight, loaded_.weight);
  const double longer = loaded_.mean - minimum_.mean;
  moved_ = std::abs(longer) > 1.2 * chance + kMoved;
  // So that a minimum that was measured too low does not hold the limit down for good.
  if (longer > 0) minimum_.mean += kDrift * longer;
  const double share = batch.count / loaded_.weight;
  if (limit < 2) return wanted_more ? limit * std::exp(kFromOne * share) : limit;
  const double beyond_chance = std::clamp(longer - kChance * chance, 0.0, kMaxDifference);
  calm_ = beyond_chance <= kFloor ? calm_ + 1 : 0;
  const double faster = std::min(std::pow(kAcceleration, std::max(0.0, calm_ - kCalm)), kMaxAcceleration);
  const double growth = wanted_more ? kHeadroom * faster : 0;
  return limit * std::exp((growth - kDecrease * std::numbers::ln2 * beyond_chance) * share);
}

}  // namespace fusewire::limits
