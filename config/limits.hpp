// SPDX-License-Identifier: Apache-2.0
// Limits of one upstream, and of one route, which all workers share.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>

namespace fusewire::config {

using std::chrono::milliseconds;

// Where requests wait while max_concurrent_requests, or the adaptive limit, is reached.
struct Queue {
  std::uint32_t size = 128;    // waiting requests
  milliseconds timeout{1000};  // of one of them
  std::string priority_header =
      "x-priority";  // lower case; a whole number, the highest goes first; empty: by age alone
  bool operator==(const Queue&) const = default;
};

// A token bucket.
struct Rate {
  double requests_per_second = 100;  // above 0
  std::uint32_t burst = 200;         // at least 1: requests at once after a pause
  bool operator==(const Rate&) const = default;
};

// A limit of concurrent requests that follows the upstream's latency.
struct AdaptiveConcurrency {
  std::uint32_t min_limit = 4;
  std::uint32_t initial_limit = 20;  // between the two
  std::uint32_t max_limit = 1000;
  bool operator==(const AdaptiveConcurrency&) const = default;
};

// Of one route, beside its upstream's; all of them are off by default.
struct RouteLimits {
  std::optional<std::uint32_t> max_concurrent_requests = std::nullopt;
  std::optional<Queue> queue = std::nullopt;
  std::optional<Rate> rate = std::nullopt;
  std::optional<AdaptiveConcurrency> adaptive_concurrency = std::nullopt;
  bool operator==(const RouteLimits&) const = default;
};

struct UpstreamLimits {
  std::uint32_t max_connections = 1024;
  std::uint32_t max_concurrent_requests = 1024;
  std::size_t max_head_bytes = 64 * 1024;  // of a response's head; 1 KiB to kMaxResponseHeadBytes
  std::uint32_t max_fields = 200;          // of a response's head
  std::optional<Queue> queue = std::nullopt;
  std::optional<Rate> rate = std::nullopt;
  std::optional<AdaptiveConcurrency> adaptive_concurrency = std::nullopt;
  bool operator==(const UpstreamLimits&) const = default;
};

}  // namespace fusewire::config
