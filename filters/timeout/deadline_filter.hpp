// SPDX-License-Identifier: Apache-2.0
// Decides when a call has to be over; Forward enforces it. The answers that remain possible at that time (cache,
// static) need no time of their own, so nothing is kept back from it.
#pragma once

#include "filters/call_filter.hpp"

namespace fusewire {

struct DeadlineFilter : PassThrough {
  // Sets total_at, unless it is there and earlier (a fallback's call ends with the request that it is for). A total
  // that is over before anything was sent: TotalTimeout.
  Step on_request(Call&, Reply&, Time now);
};

}  // namespace fusewire
