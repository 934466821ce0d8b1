// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string_view>

namespace fusewire {

namespace balance {
class EndpointHealth;
}
namespace breaker {
class Breaker;
}

// What the filters of an attempt work with: one address of an endpoint. What it points to is thread-safe and outlives
// the attempt.
struct EndpointContext {
  breaker::Breaker* breaker = nullptr;        // nullptr: it has none of its own
  balance::EndpointHealth* health = nullptr;  // nullptr: there is no other, or none is known yet
  std::string_view name;                      // "orders/10.0.0.1:80"
};

}  // namespace fusewire
