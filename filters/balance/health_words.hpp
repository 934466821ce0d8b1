// SPDX-License-Identifier: Apache-2.0
// The two words of an EndpointHealth, unpacked: what an event changes in them. Plain values; endpoint_health.hpp has
// their layout and the reasons.
#pragma once

#include <algorithm>
#include <chrono>
#include <cmath>
#include <cstdint>

#include "filters/balance/health_view.hpp"
#include "filters/time.hpp"

namespace fusewire::balance {

using std::chrono::nanoseconds;

using Tick = std::uint32_t;
inline constexpr int kTickBits = 20;
inline constexpr float kTick = 1 << kTickBits;  // ns

constexpr std::uint64_t low_bits(unsigned bits) { return (std::uint64_t{1} << bits) - 1; }

inline Tick tick_of(Time now) { return static_cast<Tick>(now.time_since_epoch().count() >> kTickBits); }

// Of both times the lowest `Bits` are looked at. 0 where `to` is the earlier one, by at most 17 s: threads read their
// clocks at their own times.
template <unsigned Bits>
Tick ticks_between(Tick from, Tick to) {
  constexpr auto kMask = static_cast<Tick>(low_bits(Bits));
  constexpr Tick kMaxSkew = 1 << 14;
  const Tick ticks = (to - from) & kMask;
  return ticks > kMask - kMaxSkew ? 0 : ticks;
}

inline LogLatency log_of(nanoseconds latency) {
  return std::log2(static_cast<float>(std::max<nanoseconds::rep>(latency.count(), 2)));
}

// How many requests there are.
struct LoadWord {
  static constexpr unsigned kCountBits = 19;
  static constexpr unsigned kUnfinishedBits = 4;
  static constexpr unsigned kTimeBits = 22;  // 73 minutes
  static_assert(kMaxUnfinished <= low_bits(kUnfinishedBits));

  explicit LoadWord(std::uint64_t word)
      : in_flight(static_cast<std::uint32_t>(word & low_bits(kCountBits))),
        waiting(static_cast<std::uint32_t>(word >> kCountBits & low_bits(kCountBits))),
        unfinished(static_cast<std::uint32_t>(word >> 2 * kCountBits & low_bits(kUnfinishedBits))),
        progress(static_cast<Tick>(word >> (2 * kCountBits + kUnfinishedBits))) {}
  std::uint64_t word() const {
    return std::uint64_t{progress} << (2 * kCountBits + kUnfinishedBits) | std::uint64_t{unfinished} << 2 * kCountBits |
           std::uint64_t{waiting} << kCountBits | in_flight;
  }

  void wait(Tick now) {
    if (waiting++ == 0) progress = now;
  }
  void answer(Tick now) {
    --waiting;
    progress = now;
  }

  // True: it is the first since one has ended.
  bool begin_body() {
    unfinished = std::min(unfinished + 1, kMaxUnfinished);
    return unfinished == 1;
  }
  void drop_body() {
    if (unfinished > 0) --unfinished;
  }

  std::uint32_t in_flight;
  std::uint32_t waiting;
  std::uint32_t unfinished;  // bodies since one has ended; it stays at its highest value
  Tick progress;
};

// What the answers were like.
struct AnswersWord {
  static constexpr unsigned kTimeBits = 28;  // 3.3 days
  static constexpr unsigned kShareBits = 12;
  static constexpr float kWhole = static_cast<float>(low_bits(kShareBits));
  static constexpr float kDoubling = 1 << 18;

  explicit AnswersWord(std::uint64_t word)
      : latency(static_cast<float>(word >> (kTimeBits + kShareBits)) * (1 / kDoubling)),
        failures(static_cast<float>(word >> kTimeBits & low_bits(kShareBits)) * (1 / kWhole)),
        last_good(static_cast<Tick>(word & low_bits(kTimeBits))) {}
  std::uint64_t word() const {
    const auto log = static_cast<std::uint64_t>(latency * kDoubling);
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
    failures += (1 - failures) * kFailureWeight;
    if (static_cast<Tick>(taken.count() >> kTickBits) <= since_good(now)) raise(log_of(taken), now);
  }

  LogLatency latency;
  float failures;  // share
  Tick last_good;

 private:
  static constexpr float kDecay = 3e9F / kTick;  // ticks
  static constexpr float kMinRise = 0.25F;       // doublings of latency by one answer, and
  static constexpr float kRiseByWeight = 8.0F;   // so many more where its weight is 1
  static constexpr float kMinWeight = 0.125F;    // of a good answer in the share of failures
  static constexpr float kFailureWeight = 0.4F;
  static constexpr float kMaxSuccessWeight = 0.9F;
};

}  // namespace fusewire::balance
