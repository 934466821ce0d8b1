// SPDX-License-Identifier: Apache-2.0
// Thread-safe: one for each upstream (or route) with limits.adaptive_concurrency, used by all workers. A limit of
// requests at a time that follows the upstream's latency.
#pragma once

#include <atomic>
#include <chrono>
#include <cstdint>

#include "config/limits.hpp"
#include "filters/limits/latency_gradient.hpp"
#include "filters/time.hpp"

namespace fusewire::limits {

// Time goes in turns: after a change of the limit its effect is waited for, then latencies are measured and the limit
// is changed again (LatencyGradient). Every 25th turn or so, or sooner where the latency has moved, the limit is halved
// for one turn, and what requests take then is the new minimum. Without the waiting, samples would be wrong: of the
// requests that begin under a new limit the short ones end first.
//
// A sample is what an answer took, from the request's last byte sent to the response's head, or the time that was
// waited for one in vain. What ends sooner for another reason says nothing: errors of the upstream, refused
// connections, clients that leave.
//
// Where the limit is not reached it does not grow, and where few requests are in flight nothing changes but the
// minimum.
//
// No lock: samples are added to atomic sums, and of the threads that find a turn over the first one decides, while the
// others go on. Settings come with each call (a reload changes them). Memory is fixed.
class AdaptiveLimit {
 public:
  using Settings = config::AdaptiveConcurrency;

  // How many requests there may be at a time, at least 1. Below `min_limit` only while the minimum is measured.
  std::uint32_t limit(const Settings&, Time now) const noexcept;
  // `in_flight`: how many there were when the request got its place, itself included.
  void record(const Settings&, std::chrono::nanoseconds latency, std::uint32_t in_flight, Time now) noexcept;
  // On a reset of the breaker: what was learned is forgotten.
  void clear() noexcept;

  // What the limit is outside probes, for those who look.
  std::uint32_t steady_limit(const Settings&) const noexcept;
  // The mean latency with few requests in flight; zero: not known yet.
  std::chrono::nanoseconds minimum_latency() const noexcept;

 private:
  // In this order from `settle` on; a probe takes the place of `settle` and `measure`.
  enum class Turn : std::uint8_t { measure, settle, probe_settle, probe };

  // Sums of logarithms that threads add to. Count and sum are one word, so a mean is always of whole samples.
  class Sums {
   public:
    void add(double log, double around) noexcept;
    void clear() noexcept;
    std::uint32_t count() const noexcept;
    LatencyBatch take(double around) noexcept;

   private:
    std::atomic<std::uint64_t> sum_{0};      // count:20 | sum:44, in 1/1024
    std::atomic<std::uint64_t> squares_{0};  // of the distance from `around`, in 1/1024
  };

  void decide(const Settings&, Time now) noexcept;
  void end_measure(const Settings&, Time now) noexcept;
  void begin(Turn, Time now) noexcept;
  double current(const Settings&) const noexcept;
  static std::uint32_t few(std::uint32_t limit) noexcept { return limit > 1 ? limit / 2 : 1; }

  std::atomic<double> limit_{0};  // 0: nothing has been learned
  std::atomic<double> minimum_{0};
  std::atomic<Turn> turn_{Turn::measure};
  std::atomic<std::int64_t> until_{0};  // ns of the steady clock: the turn goes on at least until then
  std::atomic<bool> forget_{false};

  alignas(64) Sums loaded_;
  Sums few_;
  std::atomic<std::uint64_t> use_{0};  // of the samples: over half of the limit, 32 bits | at the limit, 32 bits

  alignas(64) std::atomic_flag deciding_;
  // Written by the thread that decides.
  LatencyGradient gradient_;
  std::int64_t next_probe_ = 0;
};

}  // namespace fusewire::limits
