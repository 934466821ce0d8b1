// SPDX-License-Identifier: Apache-2.0
// Which endpoint of several a request goes to.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>

namespace fusewire::config {

using std::chrono::milliseconds;

enum class BalancingPolicy { health_score, round_robin, random, least_request, hash };

// What equal requests have in common, that they go to one endpoint.
struct HashKey {
  enum class By { header, cookie, ip };
  By by = By::ip;
  std::string name;  // of the field (lower case) or the cookie
  bool operator==(const HashKey&) const = default;
};

struct LoadBalancing {
  BalancingPolicy policy = BalancingPolicy::health_score;
  HashKey hash;                            // of policy hash
  std::optional<milliseconds> slow_start;  // an endpoint that is new, or back, gets its share little by little
  bool operator==(const LoadBalancing&) const = default;
};

}  // namespace fusewire::config
