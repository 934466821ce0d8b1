// SPDX-License-Identifier: Apache-2.0
// The one place that names the filters of an attempt and their order: one chain an attempt, asked when its endpoint has
// been chosen (attempt_filter.hpp).
#pragma once

#include <tuple>

#include "filters/attempt_filter.hpp"
#include "filters/timeout/attempt_timeout_filter.hpp"

namespace fusewire {

// Its attempt owns it. The first Step that does not proceed ends the walk.
class AttemptChain {
 public:
  Step on_endpoint(const Call& call, Exchange& x, Reply& reply, Time now) {
    Step step;
    std::apply(
        [&](auto&... filter) { static_cast<void>((proceeds(step = filter.on_endpoint(call, x, reply, now)) && ...)); },
        filters_);
    return step;
  }

 private:
  std::tuple<AttemptTimeoutFilter> filters_;
};

static_assert(AttemptFilter<AttemptChain>);

}  // namespace fusewire
