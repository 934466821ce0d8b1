// SPDX-License-Identifier: Apache-2.0
// Thread-safe: one for each rate limit, used by all workers. How many requests a second, with room for a burst.
#pragma once

#include <atomic>
#include <chrono>
#include <cstdint>
#include <limits>
#include <optional>

#include "config/limits.hpp"
#include "filters/time.hpp"

namespace fusewire::limits {

// They come with each call, so that a reload needs no word to the bucket. Up to 1,000,000 requests a second it is exact
// to 0.01 %, never above that.
using config::Rate;

// A token bucket as a Generic Cell Rate Algorithm (ITU-T I.371, Annex A): instead of counting tokens it remembers when
// the bucket will be full again (the theoretical arrival time of the next cell). Each token puts that off by one
// interval, 1 / rate; there is a token as long as it is less than `burst` intervals away.
//
// No lock, no allocation, no timer: one atomic word, one compare-and-swap for each token, so the limit holds exactly
// over all threads. Invariant: the word never goes back, except when a reload has raised the rate (see forgive), and
// by the tokens that are given back.
//
// A thread whose `now` lags behind another one's sees a bucket that is emptier by as much: it may be refused, it never
// gets a token too many. The word is in 1/16 ns since the clock's epoch (the host's start), which lasts for 18 years.
//
//   if (const auto wait = bucket.try_take(rate, now)) return refuse(*wait);
class TokenBucket {
 public:
  // Takes a token. Without one: how long it takes until there is one, if nobody else takes it.
  std::optional<std::chrono::nanoseconds> try_take(const Rate&, Time now) noexcept;
  // Of a request that was not sent after all. There are never more than `burst`.
  void give_back(const Rate&) noexcept;

  // How many tokens there are, for metrics: from 0 to `burst`.
  std::uint32_t available(const Rate&, Time now) const noexcept;

 private:
  using Ticks = std::int64_t;

  void forgive(Ticks seen, Ticks latest) noexcept;

  std::atomic<Ticks> full_at_{std::numeric_limits<Ticks>::min()};
};

}  // namespace fusewire::limits
