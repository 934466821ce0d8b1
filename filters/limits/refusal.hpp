// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <optional>
#include <string>
#include <utility>

#include "filters/call.hpp"
#include "filters/chain_context.hpp"
#include "filters/limits/limits_state.hpp"
#include "filters/reply.hpp"
#include "filters/step.hpp"

namespace fusewire::limits {

// "upstream 'orders'", or "route 'orders/read'".
inline std::string whose(const ChainContext& context, const LimitsState& state) {
  return (&state == context.route_limits ? "route '" : "upstream '") + state.name + "'";
}

// The request ends here, before the breaker: it is no call.
inline Step refuse(Call& call, Reply& reply, Problem problem, std::string detail,
                   std::optional<milliseconds> retry_after = std::nullopt) {
  call.exchange->outcome = Outcome::local;
  call.set(problem == Problem::rate_limited ? Flag::rate_limited : Flag::upstream_full);
  reply = {};
  reply.origin = Reply::Origin::problem;
  reply.problem = problem;
  reply.status = row(problem).status;
  reply.detail = std::move(detail);
  reply.retry_after = retry_after;
  return Answer{};
}

}  // namespace fusewire::limits
