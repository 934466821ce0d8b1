// SPDX-License-Identifier: Apache-2.0
// The answer to a client when the breaker lets nothing through.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "filters/breaker/core/types.hpp"
#include "filters/reply.hpp"

namespace fusewire {

// One sentence: "circuit breaker 'orders' is open: 5 failures in a row; next trial in 12.4 s". `name` and settings are
// the breaker's; `trip` may be null.
std::string rejection_sentence(std::string_view name, const config::CircuitBreaker&, const breaker::Rejection&,
                               const breaker::Trip* trip);

// CircuitBreakerOpen, 503.
Reply rejection_reply(std::string_view name, const config::CircuitBreaker&, const breaker::Rejection&,
                      const breaker::Trip* trip);

// The same where each endpoint has a breaker of its own and none of them lets the request through. `retry_after`: of
// the first that will; absent where that is not known.
Reply endpoints_rejection_reply(const config::Upstream&, std::optional<milliseconds> retry_after);

}  // namespace fusewire
