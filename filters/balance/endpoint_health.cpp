// SPDX-License-Identifier: Apache-2.0
#include "filters/balance/endpoint_health.hpp"

#include <algorithm>
#include <cmath>

namespace fusewire::balance {

namespace {

using Tick = std::uint32_t;
constexpr int kTickBits = 20;
constexpr float kTick = 1 << kTickBits;  // ns

constexpr float kDecay = 3e9F / kTick;  // ticks
constexpr float kMinRise = 0.5F;        // doublings of latency by one answer, and
constexpr float kRiseByWeight = 8.0F;   // so many more where its weight is 1
constexpr float kMinWeight = 0.125F;    // of an answer in the share of failures
constexpr float kMaxFailureWeight = 0.25F;
constexpr float kMaxSuccessWeight = 0.9F;

constexpr std::uint64_t low_bits(unsigned bits) { return (std::uint64_t{1} << bits) - 1; }

Tick tick_of(Time now) { return static_cast<Tick>(now.time_since_epoch().count() >> kTickBits); }

// Of both times the lowest `bits` are looked at. 0 where `to` is the earlier one: threads read their clocks at their
// own times.
template <unsigned bits>
Tick ticks_between(Tick from, Tick to) {
  const Tick ticks = (to - from) & static_cast<Tick>(low_bits(bits));
  return ticks >> (bits - 1) != 0 ? 0 : ticks;
}

LogLatency log_of(nanoseconds latency) {
  return std::log2(static_cast<float>(std::max<nanoseconds::rep>(latency.count(), 2)));
}

}  // namespace

// ------------------------------------------------------------------------------------------------------ the words

struct EndpointHealth::Load {
  static constexpr unsigned kCountBits = 20;
  static constexpr unsigned kTimeBits = 24;  // 4.9 hours

  explicit Load(std::uint64_t word)
      : in_flight(static_cast<std::uint32_t>(word & low_bits(kCountBits))),
        waiting(static_cast<std::uint32_t>(word >> kCountBits & low_bits(kCountBits))),
        progress(static_cast<Tick>(word >> 2 * kCountBits)) {}
  std::uint64_t word() const {
    return std::uint64_t{progress} << 2 * kCountBits | std::uint64_t{waiting} << kCountBits | in_flight;
  }

  void wait(Tick now) {
    if (waiting++ == 0) progress = now;
  }
  void answer(Tick now) {
    --waiting;
    progress = now;
  }

  std::uint32_t in_flight;
  std::uint32_t waiting;
  Tick progress;
};

struct EndpointHealth::Answers {
  static constexpr unsigned kTimeBits = 28;  // 3.3 days
  static constexpr unsigned kShareBits = 12;
  static constexpr float kWhole = static_cast<float>(low_bits(kShareBits));
  static constexpr float kDoubling = 1 << 18;

  explicit Answers(std::uint64_t word)
      : latency(static_cast<float>(word >> (kTimeBits + kShareBits)) * (1 / kDoubling)),
        failures(static_cast<float>(word >> kTimeBits & low_bits(kShareBits)) * (1 / kWhole)),
        last_good(static_cast<Tick>(word & low_bits(kTimeBits))) {}
  std::uint64_t word() const {
    const auto log = static_cast<std::uint64_t>(latency * kDoubling + 0.5F);
    const auto share = static_cast<std::uint64_t>(failures * kWhole);  // rounded down, so that it reaches 0
    return log << (kTimeBits + kShareBits) | share << kTimeBits | last_good;
  }

  Tick since_good(Tick now) const { return ticks_between<kTimeBits>(last_good, now); }
  // 1 - exp(-x); for a busy address by the first terms of its series.
  float weight(Tick now) const {
    const float x = static_cast<float>(since_good(now)) * (1 / kDecay);
    return x < 0.0625F ? x - x * x / 2 : 1 - std::exp(-x);
  }

  void raise(LogLatency taken, Tick now) {
    if (latency > 0 && taken > latency) latency = std::min(taken, latency + kMinRise + kRiseByWeight * weight(now));
  }
  void wait_in_vain(LogLatency taken, Tick now) {
    if (latency == 0)
      latency = taken;
    else
      raise(taken, now);
  }
  void succeed(LogLatency taken, Tick now) {
    const float share = weight(now);
    if (latency == 0)
      latency = taken;
    else if (taken > latency)
      raise(taken, now);
    else
      latency += (taken - latency) * share;
    failures -= failures * std::clamp(share, kMinWeight, kMaxSuccessWeight);
    if (since_good(now) > 0) last_good = now & static_cast<Tick>(low_bits(kTimeBits));
  }
  // A request that was begun before the last good answer is no news of the latency: it hung before the recovery.
  void fail(nanoseconds taken, Tick now) {
    failures += (1 - failures) * std::clamp(weight(now), kMinWeight, kMaxFailureWeight);
    if (static_cast<Tick>(taken.count() >> kTickBits) <= since_good(now)) raise(log_of(taken), now);
  }

  LogLatency latency;
  float failures;  // share
  Tick last_good;
};

template <class Change>
void EndpointHealth::change_load(Change change) noexcept {
  std::uint64_t seen = load_.load(std::memory_order_relaxed);
  std::uint64_t wanted = 0;
  do {
    Load load(seen);
    change(load);
    wanted = load.word();
  } while (!load_.compare_exchange_weak(seen, wanted, std::memory_order_relaxed));
}

// ------------------------------------------------------------------------------------------------------ a request

void EndpointHealth::begin(Time now) noexcept {
  const Tick at = tick_of(now);
  last_begin_.store(at, std::memory_order_relaxed);
  change_load([at](Load& load) {
    ++load.in_flight;
    load.wait(at);
  });
}

void EndpointHealth::end(Result result, nanoseconds latency, Time now) noexcept {
  change_load([result, at = tick_of(now)](Load& load) {
    --load.in_flight;
    if (result == Result::success || result == Result::failure)
      load.answer(at);
    else
      --load.waiting;
  });
  judge(result, latency, now);
}

void EndpointHealth::answered(Result result, nanoseconds latency, Time now) noexcept {
  change_load([at = tick_of(now)](Load& load) { load.answer(at); });
  judge(result, latency, now);
}

void EndpointHealth::end_answered(Result result, Time now) noexcept {
  change_load([](Load& load) { --load.in_flight; });
  judge(result, nanoseconds{0}, now);
}

void EndpointHealth::pause() noexcept {
  change_load([](Load& load) { --load.waiting; });
}

void EndpointHealth::resume(Time now) noexcept {
  change_load([at = tick_of(now)](Load& load) { load.wait(at); });
}

void EndpointHealth::judge(Result result, nanoseconds latency, Time now) noexcept {
  if (result == Result::neutral) return;
  const Tick at = tick_of(now);
  std::uint64_t seen = answers_.load(std::memory_order_relaxed);
  std::uint64_t wanted = 0;
  do {
    Answers answers(seen);
    if (result == Result::success)
      answers.succeed(log_of(latency), at);
    else if (result == Result::failure)
      answers.fail(latency, at);
    else
      answers.wait_in_vain(log_of(latency), at);
    wanted = answers.word();
  } while (wanted != seen && !answers_.compare_exchange_weak(seen, wanted, std::memory_order_relaxed));
}

void EndpointHealth::restart(Time since) noexcept {
  const Tick at = tick_of(since);
  since_.store(since.time_since_epoch().count(), std::memory_order_relaxed);
  last_begin_.store(at, std::memory_order_relaxed);
  answers_.store(at & low_bits(Answers::kTimeBits), std::memory_order_relaxed);
  change_load([at](Load& load) { load.progress = at; });
}

// ------------------------------------------------------------------------------------------------------ readings

float EndpointHealth::ramp(Time now, nanoseconds slow_start) const noexcept {
  constexpr float kLeast = 0.1F;
  const nanoseconds age(now.time_since_epoch().count() - since_.load(std::memory_order_relaxed));
  if (age >= slow_start) return 1;
  return std::max(static_cast<float>(age.count()) / static_cast<float>(slow_start.count()), kLeast);
}

std::uint32_t EndpointHealth::in_flight() const noexcept {
  return Load(load_.load(std::memory_order_relaxed)).in_flight;
}

HealthView EndpointHealth::view(Time now) const noexcept {
  const Answers answers(answers_.load(std::memory_order_relaxed));
  const Load load(load_.load(std::memory_order_relaxed));
  const Tick at = tick_of(now);
  const Tick overdue = load.waiting == 0 ? 0 : ticks_between<Load::kTimeBits>(load.progress, at);
  const Tick quiet = ticks_between<32>(last_begin_.load(std::memory_order_relaxed), at);
  return {.latency = answers.latency,
          .successes = std::max(1 - answers.failures, 1 / Answers::kWhole),
          .overdue = static_cast<float>(overdue) * kTick,
          .quiet = static_cast<float>(quiet) * kTick,
          .in_flight = load.in_flight};
}

}  // namespace fusewire::balance
