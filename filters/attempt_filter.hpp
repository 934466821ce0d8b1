// SPDX-License-Identifier: Apache-2.0
// The contract of an attempt's filter. It lives as long as one attempt, on the call's thread, and never waits.
//
//   on_endpoint  once, when the endpoint has been chosen and before anything is sent to it. Proceed: the request goes
//                there. An Answer: the reply stands for the endpoint's, and nothing was sent to it.
#pragma once

#include <concepts>

#include "filters/call.hpp"
#include "filters/reply.hpp"
#include "filters/step.hpp"

namespace fusewire {

template <class F>
concept AttemptFilter = requires(F filter, const Call& call, Exchange& x, Reply& reply, Time now) {
  { filter.on_endpoint(call, x, reply, now) } -> std::same_as<Step>;
};

}  // namespace fusewire
