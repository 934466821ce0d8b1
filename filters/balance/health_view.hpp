// SPDX-License-Identifier: Apache-2.0
// One reading of an address's health, and the score that follows from it. Plain values; inline, because each pick
// scores two.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstdint>

namespace fusewire::balance {

// The binary logarithm of a latency in nanoseconds; 0: unknown.
using LogLatency = float;

// More unfinished bodies of an address are not counted.
inline constexpr std::uint32_t kMaxUnfinished = 15;

// What the better ones of an upstream's addresses are like.
struct Typical {
  LogLatency latency = 0;
  float unfinished = 0;
  float unfinished_for = 0;  // ns
};

// Latencies that differ by no more than kAlike count as the same: among equals, peaks differ by that much, and requests
// that follow them go in circles. What is beyond it multiplies the score.
struct HealthView {
  LogLatency latency = 0;
  float successes = 1;  // share, above 0
  float overdue =
      0;  // ns since one of its requests made progress, for each of some that wait: at most what they have waited
  float quiet = 0;  // ns since the last begin
  std::uint32_t in_flight = 0;
  std::uint32_t unfinished = 0;  // responses whose heads have come since a body last ended, and whose bodies have not
  float unfinished_for = 0;      // ns since the first of them

  // By how many doublings it is worse than its peers: by its latency or by what it has not answered, by its failures,
  // and by bodies that do not end. It wears off while no request is sent to the address, most of it towards the end of
  // a pause: before, a moment of load at its peers would be enough to try it again.
  float badness(const Typical& typical) const noexcept {
    float bad = 0;
    if (typical.latency > 0)
      bad = beyond(overdue > 0 ? std::max(latency, std::log2(overdue)) : latency, typical.latency);
    if (successes < 1) bad -= kPower * std::log2(successes);
    if (latency == 0 && in_flight >= kFew) bad += kUnproven;
    if (is_stuck(typical)) bad += kUnproven;
    if (bad == 0) return 0;
    const float pause = std::min(bad * kDoubling * kWearsOff, kLongestPause);
    const float worn = quiet / pause;
    return bad * std::max(1 - worn * worn, 0.0F);
  }

  // What a request has to expect, in typical latencies: latency x (requests in flight + 1) / successes^4; lower is
  // better, 1 is an ordinary address that is idle.
  float score(const Typical& typical) const noexcept {
    return expected(badness(typical), typical.latency) * static_cast<float>(in_flight + 1);
  }
  // The part of it that is not load; its badness is known. An unknown latency counts as the typical one.
  float expected(float badness, LogLatency typical) const noexcept {
    const float worse = badness - (latency > 0 ? beyond(typical, latency) : 0);  // doublings
    return worse == 0 ? 1 : std::exp2(worse);
  }

 private:
  static constexpr float kAlike = 1.0F;           // doublings
  static constexpr float kPower = 4.0F;           // of the share of successes: 0.84 counts as half as good
  static constexpr std::uint32_t kFew = 2;        // requests at an address that has not answered yet
  static constexpr float kManyUnfinished = 4.0F;  // bodies, beyond twice the typical number
  static constexpr float kStuckFor = 10e6F;       // ns, beyond eight times the typical age
  static constexpr float kUnproven = 10.0F;       // doublings, for one more than any of these
  static constexpr float kWearsOff = 3e9F;        // ns of pause for each factor e of badness
  static constexpr float kLongestPause = 9e9F;    // ns; after its pause nothing of it is left
  static constexpr float kDoubling = 0.6931472F;  // ln 2

  // Where bodies take long everywhere, several begin by chance before one ends. So its bodies must be more than its
  // peers' and have been unfinished for longer.
  bool is_stuck(const Typical& typical) const noexcept {
    return unfinished_for > kStuckFor + 8 * typical.unfinished_for &&
           static_cast<float>(unfinished) >=
               std::min(kManyUnfinished + 2 * typical.unfinished, static_cast<float>(kMaxUnfinished));
  }

  // By how many doublings one is slower than the other, where they are not alike.
  static float beyond(LogLatency slower, LogLatency other) noexcept { return std::max(slower - other - kAlike, 0.0F); }
};

}  // namespace fusewire::balance
