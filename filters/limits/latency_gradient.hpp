// SPDX-License-Identifier: Apache-2.0
// How much longer an upstream takes under load than with few requests, and what that means for the number that it is
// given at a time. One thread at a time; no clock.
#pragma once

#include <chrono>
#include <cstdint>

namespace fusewire::limits {

// The latencies of some requests, as logarithms of base 2 of nanoseconds. Their mean is the geometric one of the
// latencies: a heavy tail moves it little, and an arithmetic one would need thousands of samples.
struct LatencyBatch {
  double count = 0;
  double mean = 0;
  double variance = 0;
};

// A gradient, as in Netflix' concurrency-limits (Gradient2) and in Envoy's adaptive concurrency: the limit falls by the
// ratio of the latency with few requests to that under load, and grows by a little headroom. It comes to rest where the
// latency is a few percent above the minimum. What is different:
//
// - The minimum is a mean, not the shortest latency seen, and so is what is compared with it. A difference counts only
//   beyond what chance explains (the standard error of both means): with few samples the limit errs upwards, where
//   requests wait a little, not downwards, where the upstream would be idle.
// - A minimum that no longer holds is replaced: by the mean of newer samples where these differ beyond chance, and at
//   once where half of the requests take as long as all of them, which is a slower upstream and no queue.
class LatencyGradient {
 public:
  // Latencies with few requests in flight. `probed`: with half of the limit, a moment after it was in use.
  void learn_minimum(const LatencyBatch&, bool probed);
  // Latencies under `limit`; `wanted_more`: it was reached, so there is a reason to raise it.
  double next_limit(double limit, const LatencyBatch&, bool wanted_more);

  bool knows_minimum() const noexcept { return minimum_.weight > 0; }
  // Whether latency has moved away from the minimum: it is to be measured anew, soon.
  bool has_moved() const noexcept { return moved_; }
  double minimum() const noexcept { return minimum_.mean; }  // log2 of ns
  // About how long a request takes now: at least the minimum, at most four times that.
  std::chrono::nanoseconds span() const noexcept;

 private:
  // A mean over about as many samples as `weight` says.
  struct Mean {
    double mean = 0;
    double weight = 0;
    void add(const LatencyBatch&, double max_weight) noexcept;
  };
  double spread(double one_count, double other_count) const noexcept;
  void learn_variance(const LatencyBatch&);
  bool is_no_queue(const LatencyBatch&, const Mean& before) const;
  bool has_fallen_in_vain(double limit);

  Mean minimum_;
  Mean recent_;  // of the minimum, over fewer samples
  Mean loaded_;  // under the limit
  double variance_ = 1;
  double variance_weight_ = 0;
  double calm_ = 0;  // so many times in a row the latency was at its minimum
  bool moved_ = false;
  double high_limit_ = 0;  // since it has moved
  double peak_ = 0;        // of the latency under load, since then
};

}  // namespace fusewire::limits
