// SPDX-License-Identifier: Apache-2.0
// Counters that cost the hot path a plain add: each worker writes its own cells, a scrape adds them up.
#pragma once

#include <array>
#include <atomic>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <vector>

#include "proxy/observe/exemplars.hpp"

namespace fusewire::proxy {

// One writing thread, any reader. Also a gauge: add(-1) wraps, and the sum over workers is right.
class Cell {
 public:
  void add(std::uint64_t n = 1) noexcept {
    value_.store(value_.load(std::memory_order_relaxed) + n, std::memory_order_relaxed);
  }
  void subtract(std::uint64_t n = 1) noexcept { add(0 - n); }
  std::uint64_t value() const noexcept { return value_.load(std::memory_order_relaxed); }

 private:
  std::atomic<std::uint64_t> value_{0};
};

// Durations in fixed buckets; bounds in seconds as Prometheus wants them, the last bucket is +Inf.
class DurationCells {
 public:
  static constexpr std::array<double, 14> kBounds = {0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05,
                                                     0.1,    0.25,  0.5,    1,     2.5,  5,     10};

  void observe(std::chrono::nanoseconds taken) noexcept {
    buckets_[bucket_of(taken)].add();
    nanoseconds_.add(static_cast<std::uint64_t>(taken.count()));
  }
  // Of what has been observed and belongs to a sampled trace.
  void keep_exemplar(const Exemplar& exemplar) noexcept { exemplars_.set(bucket_of(exemplar.taken), exemplar); }
  std::uint64_t bucket(std::size_t i) const noexcept {
    return buckets_[i].value();
  }  // 0..kBounds.size(), not cumulative
  std::uint64_t sum_nanoseconds() const noexcept { return nanoseconds_.value(); }
  std::optional<Exemplar> exemplar(std::size_t bucket) const noexcept { return exemplars_.get(bucket); }

 private:
  static std::size_t bucket_of(std::chrono::nanoseconds taken) noexcept {
    const double seconds = std::chrono::duration<double>(taken).count();
    std::size_t i = 0;
    while (i < kBounds.size() && seconds > kBounds[i]) ++i;
    return i;
  }

  std::array<Cell, kBounds.size() + 1> buckets_;
  Cell nanoseconds_;
  Exemplars<kBounds.size() + 1> exemplars_;
};

// What one worker counts for one (listener, upstream); upstream is empty where no route was found.
struct TrafficCells {
  static constexpr std::size_t kNoAnswer = 5;
  std::array<Cell, 6> by_class;  // 1xx…5xx of the final answer to the client, or kNoAnswer: it left before
  DurationCells duration;        // request's head to the last byte handed to the kernel
};

// Handshakes, with clients or with an upstream.
struct TlsCells {
  Cell full;
  Cell resumed;  // of an earlier session: no certificate, less work
  Cell failed;

  void done(bool from_earlier) { (from_earlier ? resumed : full).add(); }
};

// Requests that a limit has refused.
enum class LimitKind : std::uint8_t { rate, concurrency, queue_timeout };
using RefusedCells = std::array<Cell, 3>;  // by LimitKind

// Requests of the proxy's own that have found out whether a breaker may close, or its interval may end.
enum class ProbeResult : std::uint8_t { success, failure, neutral };
using ProbeCells = std::array<Cell, 3>;  // by ProbeResult

// What one worker counts for one upstream.
struct UpstreamCells {
  enum Latency : std::uint8_t { success, failure, timeout };
  std::array<DurationCells, 3> latency;         // from the permit to the call's end
  std::array<std::array<Cell, 3>, 3> fallback;  // [cache, upstream, static][hit, miss, error]
  Cell connections_active;                      // gauges
  Cell connections_idle;
  Cell connections_opened;
  TlsCells tls;
  Cell dials_held;     // its address was silent: the dial waited for a trial
  Cell stale_retries;  // a kept connection was closed: once more on a fresh one
  // Attempts that a call's retries have made, and those that they were not allowed to make.
  enum Retry : std::uint8_t { retry_success, retry_failure, over_budget };
  std::array<Cell, 3> retries;
  // Attempts beside one that had not answered in time, by HedgeResult from `won` on.
  std::array<Cell, 4> hedges;
  ProbeCells probes;     // of the upstream's breaker, and of its addresses'
  RefusedCells refused;  // by limits of the upstream itself
  Cell delays_injected;  // into attempts, by a fault
  Cell aborts_injected;
};

// What one worker counts for itself.
struct WorkerCells {
  Cell connections_accepted;
  Cell connections_open;  // gauge
  Cell bad_requests;      // refused: malformed, late or over a limit
  Cell access_lines_dropped;
  TlsCells tls;
};

// One T a worker, each on cache lines of its own.
template <class T>
class PerWorker {
 public:
  explicit PerWorker(std::size_t workers) : cells_(workers) {
    for (auto& cell : cells_) cell = std::make_unique<Slot>();
  }
  T& of(std::size_t worker) noexcept { return cells_[worker]->value; }
  std::size_t size() const noexcept { return cells_.size(); }

  const T& of(std::size_t worker) const noexcept { return cells_[worker]->value; }

  // sum(&T::member…): adds what `read` gives for each worker.
  template <class Read>
  std::uint64_t sum(Read read) const {
    std::uint64_t total = 0;
    for (const auto& cell : cells_) total += read(cell->value);
    return total;
  }

 private:
  struct alignas(64) Slot {
    T value;
  };
  std::vector<std::unique_ptr<Slot>> cells_;
};

}  // namespace fusewire::proxy
