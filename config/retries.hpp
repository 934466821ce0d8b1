// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "config/conditions.hpp"

namespace fusewire::config {

using std::chrono::milliseconds;

// Full jitter: the n-th retry waits for a random time of up to base * 2^(n - 1).
struct RetryBackoff {
  milliseconds base{25};
  milliseconds max{250};
  bool operator==(const RetryBackoff&) const = default;
};

// Over all workers and a rolling window: a retry for each 1 / ratio requests, and min_per_second beside them.
struct RetryBudget {
  double ratio = 0.2;  // 0..1
  double min_per_second = 3;
  milliseconds window{10'000};
  bool operator==(const RetryBudget&) const = default;
};

// How long a first attempt is waited for before another one is sent beside it.
struct HedgeDelay {
  milliseconds fixed{0};     // 0: the percentile counts
  unsigned percentile = 95;  // of the upstream's own recent latency; kLowest to kHighest
  static constexpr unsigned kLowest = 50;
  static constexpr unsigned kHighest = 99;
  bool is_percentile() const { return fixed == milliseconds::zero(); }
  bool operator==(const HedgeDelay&) const = default;
};

struct Hedge {
  HedgeDelay after;
  bool operator==(const Hedge&) const = default;
};

// Further attempts of a request that has failed. One that was not sent goes to another endpoint all the same, and is no
// retry.
struct Retries {
  std::uint32_t attempts = 1;  // beside the first; 0 = off
  Conditions on = {.connect_error = true, .reset = true, .statuses = {}};
  std::vector<std::string> methods;             // empty: the idempotent ones (RFC 9110 §9.2.2)
  std::optional<milliseconds> per_try_timeout;  // in the place of timeouts.response, where it is shorter
  RetryBackoff backoff;
  std::optional<RetryBudget> budget = RetryBudget{};
  std::size_t max_body = 64 * 1024;  // a request with a larger body is not sent twice
  std::optional<Hedge> hedge;        // one more attempt beside one that has not answered yet
  bool operator==(const Retries&) const = default;
};

}  // namespace fusewire::config
