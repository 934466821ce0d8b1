// SPDX-License-Identifier: Apache-2.0
// What the upstreams have been doing for the last ten minutes: the lines that a freshly opened dashboard shows.
// Bounded: 8.4 KB an upstream. Admin thread; counters and time are arguments.
#pragma once

#include <array>
#include <chrono>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "proxy/admin/quantile.hpp"

namespace fusewire::proxy::admin::dashboard {

// Of one upstream, since it is known.
struct Counters {
  std::uint64_t failures = 0;
  std::uint64_t rejected = 0;
  std::uint64_t stale = 0;      // answers out of the cache that were no longer fresh
  std::uint64_t fallbacks = 0;  // answers of any fallback step
  DurationCounts durations{};   // of all calls that were sent
};

// What happened between two readings of the counters.
struct Sample {
  enum Figure : std::uint8_t { requests, failures, rejected, stale, fallbacks, p50, p99 };
  static constexpr std::array<const char*, 7> kNames = {"requests",  "failures", "rejected", "stale",
                                                        "fallbacks", "p50",      "p99"};
  // Per second; the percentiles in milliseconds, and NaN where no call has ended. Requests include rejected ones.
  std::array<float, 7> figures{};
};

class History {
 public:
  using Time = std::chrono::steady_clock::time_point;
  static constexpr std::chrono::seconds kInterval{2};
  static constexpr std::size_t kSamples = 300;

  // Begins a round; false: the last one was less than an interval ago, and no add() may follow.
  bool begin(Time now);
  // Once a round for each upstream.
  void add(const std::string& upstream, const Counters&);
  // Forgets the upstreams that were not added in this round.
  void end();

  // So many rounds have ended.
  std::uint64_t number() const { return number_; }
  // Of the last round; nothing before the second reading of an upstream.
  std::optional<Sample> latest(const std::string& upstream) const;
  // Oldest first.
  std::vector<Sample> of(const std::string& upstream) const;
  // The first upstream behind `name` in order; nullptr: there is none. "" is before all.
  const std::string* after(const std::string& name) const;

 private:
  struct Track {
    Counters last;
    std::vector<Sample> samples;  // a ring once it has kSamples
    std::size_t oldest = 0;
    std::uint64_t round = 0;  // of `last`
  };

  std::map<std::string, Track> tracks_;
  std::optional<Time> began_;
  double seconds_ = 0;  // between the last two rounds
  std::uint64_t number_ = 0;
};

// To three significant digits, null for NaN.
void append_figure(std::string& out, float figure);

}  // namespace fusewire::proxy::admin::dashboard
