// SPDX-License-Identifier: Apache-2.0
#pragma once

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
};

}  // namespace fusewire
