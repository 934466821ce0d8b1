// SPDX-License-Identifier: Apache-2.0
// How long an upstream's answers took lately.
#pragma once

#include <array>
#include <atomic>
#include <cstdint>
#include <optional>

#include "filters/time.hpp"
#include "filters/timeout/latency_scale.hpp"

namespace fusewire {

using std::chrono::nanoseconds;

// A histogram over a sliding window. Thread-safe and lock-free: all workers record into the one of an upstream's state;
// clear and set_window are for the control thread. 14 KiB, and nothing allocates.
//
// The window consists of eight slices, the current one included, so it spans between 7/8 of its length and all of it. A
// slice has one counter for each bucket, and a header that names the stretch of time that it counts. A call that
// records and finds an older header writes the present one and empties the counters; so no thread sweeps, and an idle
// gap of any length leaves the window empty. Each time that a slice is begun it gets the next `use` number, and its
// counters carry that number, too: while they are being emptied, readers pass over those of an earlier use and writers
// start them afresh. So no latency is lost or counted twice. Recording is one exchange on a counter; the first one of a
// slice also has one on the header and looks at all counters (some 200 ns).
//
// A latency is seen with the relative error of its bucket, 3.1 % (latency_scale.hpp). A counter holds 16 million
// latencies of its slice and counts no further.
class LatencyWindow {
 public:
  struct Reading {
    nanoseconds value{0};
    std::uint64_t samples = 0;  // in the window; 0: there is no value
    bool operator==(const Reading&) const = default;
  };

  LatencyWindow(milliseconds window, Time made) noexcept;

  // An answer came after so long.
  void record(nanoseconds latency, Time now) noexcept { count(latency_scale::bucket_of(latency), now); }

  // No answer came for so long (the timeout that was in force), and then nobody waited any more. How long it would have
  // taken is not known, only that it is longer: the call is counted where a percentile that finds it is not below the
  // timeout. Were it left out, only the answers that came within the timeout would be seen: the percentile of a slower
  // upstream would stay below the timeout for ever, which thus could not grow. Were it counted in the timeout's own
  // bucket, whose middle may be lower, a timeout without a multiplier would shrink by itself.
  void record_timeout(nanoseconds waited, Time now) noexcept { count(latency_scale::bucket_not_below(waited), now); }

  // The smallest latency that at least this share of the window's is not above (nearest rank); p from 0 to 1. It reads
  // the whole histogram: some microseconds. cached_percentile.hpp is for the calls' way.
  Reading percentile(double p, Time now) const noexcept;

  // What was recorded is seen no more.
  void clear() noexcept;
  // Another length empties the window; the same one changes nothing.
  void set_window(milliseconds) noexcept;
  // Another number each time that the window was emptied, modulo 65,536.
  std::uint32_t clears() const noexcept;

 private:
  static constexpr unsigned kSlices = 8;
  static constexpr unsigned kUseBits = 8;

  struct Slice {
    std::atomic<std::uint64_t> header{0};                                    // clears:16 | number:40 | use:8
    std::array<std::atomic<std::uint32_t>, latency_scale::kBuckets> counts;  // use:8 | latencies:24
  };
  using Counts = std::array<std::uint64_t, latency_scale::kBuckets>;

  // A stretch of time as one word: clears:16 | number:40.
  std::uint64_t stretch_at(Time now) const noexcept;
  void count(std::size_t bucket, Time now) noexcept;
  static std::optional<std::uint32_t> begin(Slice&, std::uint64_t stretch) noexcept;
  static void empty(Slice&, std::uint32_t use) noexcept;
  std::uint64_t gather(Counts&, Time now) const noexcept;

  const Time made_;
  std::atomic<std::uint64_t> shape_;  // clears:16 | the window's length in ms:48
  std::array<Slice, kSlices> slices_{};
};
static_assert(sizeof(LatencyWindow) <= 16 * 1024);

}  // namespace fusewire
