// SPDX-License-Identifier: Apache-2.0
#include "filters/retry/retry_filter.hpp"

#include <algorithm>
#include <utility>

#include "filters/breaker/core/breaker.hpp"
#include "filters/fallback/trigger.hpp"
#include "filters/retry/backoff.hpp"
#include "filters/retry/retry_budget.hpp"

namespace fusewire {

namespace {

RetryBudget::Settings settings_of(const config::RetryBudget& budget) {
  return {.ratio = budget.ratio, .min_per_second = budget.min_per_second, .window = budget.window};
}

}  // namespace

void RetryFilter::pay_in(const Call& call, Time now) {
  const config::Retries& retries = *call.retries;
  if (retries.attempts == 0 || !retries.budget || context_->retry_budget == nullptr) return;
  if (call.permitted != kNever && !std::exchange(paid_, true))
    context_->retry_budget->deposit(settings_of(*retries.budget), now);
}

Step RetryFilter::on_reply(Call& call, Reply& reply, Time now) {
  const config::Retries& retries = *call.retries;
  pay_in(call, now);
  if (reply.origin == Reply::Origin::upstream && !retries.on.has_status(reply.status)) return Proceed{};
  if (retries.attempts == 0 || call.retries_are_over || !is_failed_attempt(call, reply)) return Proceed{};
  const Time at = not_before(call, reply, now);
  if (const auto refusal = why_not(call, reply, at, now)) {
    call.note(Decision::retry_not_made, now, *refusal, reply.status);
    return Proceed{};
  }
  ++call.retries_made;
  call.note(Decision::retry_made, now, trigger_of(call, reply), reply.status,
            std::chrono::floor<milliseconds>(at - now).count());
  return Ask{.not_before = at};
}

bool RetryFilter::is_failed_attempt(const Call& call, const Reply& reply) {
  if (call.exchange->begun == kNever || call.permitted == kNever) return false;
  const Trigger trigger = trigger_of(call, reply);
  return trigger != Trigger::none && trigger != Trigger::breaker_open && trigger != Trigger::overload;
}

// The budget is asked last: what it gives is taken.
std::optional<RetryRefusal> RetryFilter::why_not(Call& call, const Reply& reply, Time at, Time now) const {
  const config::Retries& retries = *call.retries;
  if (call.retries_made >= retries.attempts) return RetryRefusal::attempts_used;
  if (call.connection_bound) return RetryRefusal::connection_bound;
  if (call.runs_on || call.interim_sent) return RetryRefusal::already_answering;
  if (!lists(retries.on, trigger_of(call, reply), reply.status)) return RetryRefusal::not_listed;
  if (!call.endpoint_available) return RetryRefusal::no_endpoint;
  if (!context_->breaker->still_closed(call.generation, now)) return RetryRefusal::breaker_moved;
  if (const auto refusal = why_not_repeatable(call)) return refusal;
  if (at >= call.total_at) return RetryRefusal::no_time;
  if (!retries.budget || context_->retry_budget == nullptr) return std::nullopt;
  if (context_->retry_budget->try_take(settings_of(*retries.budget), now)) return std::nullopt;
  call.over_retry_budget = true;
  return RetryRefusal::over_budget;
}

std::optional<RetryRefusal> RetryFilter::why_not_repeatable(const Call& call) {
  if (call.nothing_sent) return std::nullopt;
  const Request& request = *call.context->request;
  if (!call.context->body_replayable) return RetryRefusal::body_not_kept;
  if (call.context->body_size > call.retries->max_body) return RetryRefusal::body_too_large;
  const auto& methods = call.retries->methods;
  const bool repeatable = methods.empty() ? request.is_idempotent()
                                          : std::find(methods.begin(), methods.end(), request.method) != methods.end();
  return repeatable ? std::nullopt : std::optional(RetryRefusal::not_repeatable);
}

Time RetryFilter::not_before(const Call& call, const Reply& reply, Time now) {
  const config::RetryBackoff& backoff = call.retries->backoff;
  const milliseconds wait = full_jitter(backoff.base, backoff.max, call.retries_made, call.context->random);
  // Another endpoint has not asked to be left alone.
  if (reply.origin != Reply::Origin::upstream || call.another_endpoint) return now + wait;
  const WallTime wall =
      call.context->wall + std::chrono::duration_cast<WallTime::duration>(now - call.context->started);
  return now + std::max(wait, retry_after(reply.fields, wall).value_or(milliseconds::zero()));
}

}  // namespace fusewire
