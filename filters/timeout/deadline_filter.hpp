// SPDX-License-Identifier: Apache-2.0
// Decides when a call has to be over; Forward enforces it. Of a deadline that the client has named a little is kept
// back, so that a fallback's answer reaches it in time.
#pragma once

#include "filters/call_filter.hpp"

namespace fusewire {

struct DeadlineFilter : PassThrough {
  // Sets total_at, unless it is there and earlier (a fallback's call ends with the request that it is for). A total
  // that is over before anything was sent: TotalTimeout.
  Step on_request(Call&, Reply&, Time now);
};

}  // namespace fusewire
