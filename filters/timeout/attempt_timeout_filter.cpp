// SPDX-License-Identifier: Apache-2.0
#include "filters/timeout/attempt_timeout_filter.hpp"

#include <algorithm>

#include "filters/timeout/adaptive_timeout.hpp"

namespace fusewire {

Step AttemptTimeoutFilter::on_endpoint(const Call& call, Exchange& x, Reply&, Time now) {
  const milliseconds per_try = call.retries->per_try_timeout.value_or(milliseconds::max());
  milliseconds response = call.timeouts->response;
  if (is_adaptive(call)) response = adaptive_->value(settings_of(*call.timeouts->adaptive), response, now);
  x.connect_within = std::min(call.timeouts->connect, per_try);
  x.response_within = std::min(response, per_try);
  x.idle_within = call.timeouts->idle;
  return Proceed{};
}

// Errors are left out: they come sooner than answers do.
void AttemptTimeoutFilter::on_head(const Call& call, Time now) {
  const Exchange& x = *call.exchange;
  if (!is_adaptive(call) || x.upstream_status >= 500 || x.request_sent == kNever) return;
  adaptive_->answered(x.response_head - x.request_sent - x.waits.since_sent(), now);
}

void AttemptTimeoutFilter::on_done(const Call& call, Time now) noexcept {
  const Exchange& x = *call.exchange;
  if (is_adaptive(call) && x.outcome == Outcome::response_timeout && !x.client_withheld)
    adaptive_->timed_out(x.response_within, now);
}

}  // namespace fusewire
