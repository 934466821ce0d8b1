// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "filters/attempt_filter.hpp"

namespace fusewire {

// Decides how long each part of an attempt may take (timeouts.connect, response, idle); Forward enforces it.
struct AttemptTimeoutFilter {
  Step on_endpoint(const Call& call, Exchange& x, Reply&, Time) {
    x.connect_within = call.timeouts->connect;
    x.response_within = call.timeouts->response;
    x.idle_within = call.timeouts->idle;
    return Proceed{};
  }
};

}  // namespace fusewire
