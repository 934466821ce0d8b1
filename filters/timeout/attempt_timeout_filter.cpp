// SPDX-License-Identifier: Apache-2.0
#include "filters/timeout/attempt_timeout_filter.hpp"

#include <algorithm>

#include "filters/timeout/adaptive_timeout.hpp"

namespace fusewire {

Step AttemptTimeoutFilter::on_endpoint(const Call& call, Exchange& x, Reply&, Time now) {
  const milliseconds per_try = call.retries->per_try_timeout.value_or(milliseconds::max());
  milliseconds response = call.timeouts->response;
  if (is_adaptive(call)) response = adaptive_->value(*call.timeouts->adaptive, response, now);
  x.connect_within = std::min(call.timeouts->connect, per_try);
  x.response_within = std::min(response, per_try);
  x.idle_within = call.timeouts->idle;
  return Proceed{};
}

// What is asked for in the background may be slow by a field of its client, who does not wait for it.
bool AttemptTimeoutFilter::records(const Call& call) const {
  const auto& hedge = call.retries->hedge;
  return adaptive_ != nullptr && !call.context->background &&
         (call.timeouts->adaptive || (hedge && hedge->after.is_percentile()));
}

void AttemptTimeoutFilter::on_head(const Call& call, const Exchange& x, Time now) {
  if (!records(call)) return;
  if (const auto took = x.time_to_answer()) adaptive_->answered(*took, now);
}

// An attempt whose hedge has answered first would have taken longer than it has. Were it left out, the percentile after
// which hedges are sent would never see a slow answer, and shrink from one window to the next. The hedge itself, where
// it is the slower one, has been waited for too short a time to say anything.
void AttemptTimeoutFilter::on_done(const Call& call, const Exchange& x, Time now) noexcept {
  if (!records(call) || x.client_withheld) return;
  if (x.outcome == Outcome::response_timeout) adaptive_->timed_out(x.response_within, now);
  if (x.outcome == Outcome::superseded && x.begun < call.hedged_at && x.request_sent != kNever)
    adaptive_->superseded(now - x.request_sent - x.waits.since_sent(), now);
}

}  // namespace fusewire
