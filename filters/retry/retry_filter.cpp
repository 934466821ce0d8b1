// SPDX-License-Identifier: Apache-2.0
#include "filters/retry/retry_filter.hpp"

#include <algorithm>
#include <utility>

#include "filters/breaker/core/breaker.hpp"
#include "filters/fallback/trigger.hpp"
#include "filters/limits/limits_state.hpp"
#include "filters/retry/backoff.hpp"
#include "filters/retry/hedge_delay.hpp"
#include "filters/retry/retry_budget.hpp"

namespace fusewire {

void RetryFilter::pay_in(const Call& call, Time now) {
  const config::Retries& retries = *call.retries;
  if ((retries.attempts == 0 && !retries.hedge) || !retries.budget || context_->retry_budget == nullptr) return;
  if (call.permitted != kNever && !std::exchange(paid_, true)) context_->retry_budget->deposit(*retries.budget, now);
}

Step RetryFilter::on_reply(Call& call, Reply& reply, Time now) {
  const config::Retries& retries = *call.retries;
  long_wait_.leave();
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

bool RetryFilter::take_token(const Call& call, Time now) const {
  const auto& budget = call.retries->budget;
  return !budget || context_->retry_budget == nullptr || context_->retry_budget->try_take(*budget, now);
}

// ------------------------------------------------------------------------------------------------------ hedging

Time RetryFilter::hedge_at(const Call& call) const {
  const auto& hedge = call.retries->hedge;
  const Time begun = call.exchange->begun;
  if (!hedge || call.hedged_at != kNever || call.context->background || begun == kNever || !may_be_sent_twice(call))
    return kNever;
  const auto delay = hedge_delay(*hedge, context_->adaptive_timeout, begun);
  return delay ? begun + *delay : kNever;
}

Step RetryFilter::on_silence(Call& call, Time now) {
  pay_in(call, now);
  if (call.hedged_at != kNever || call.permitted == kNever || call.connection_bound || call.runs_on ||
      call.interim_sent || now >= call.total_at || !context_->breaker->still_closed(call.generation, now))
    return Proceed{};
  if (!take_token(call, now)) {
    call.hedge = HedgeResult::over_budget;
    call.note(Decision::hedge_not_sent, now);
    return Proceed{};
  }
  call.note(Decision::hedge_sent, now, 0, 0, std::chrono::floor<milliseconds>(now - call.exchange->begun).count());
  call.hedged_at = now;
  call.hedge = HedgeResult::pending;
  return Ask{};
}

bool RetryFilter::is_good(const Call& call, int status) const { return !call.retries->on.has_status(status); }

// ------------------------------------------------------------------------------------------------------ conditions

bool RetryFilter::is_failed_attempt(const Call& call, const Reply& reply) {
  if (call.exchange->begun == kNever || call.permitted == kNever) return false;
  const Trigger trigger = trigger_of(call, reply);
  return trigger != Trigger::none && trigger != Trigger::breaker_open && trigger != Trigger::overload;
}

// The budget is asked last: what it gives is taken.
std::optional<RetryRefusal> RetryFilter::why_not(Call& call, const Reply& reply, Time at, Time now) {
  const config::Retries& retries = *call.retries;
  if (call.retries_made >= retries.attempts) return RetryRefusal::attempts_used;
  if (call.connection_bound) return RetryRefusal::connection_bound;
  if (call.runs_on || call.interim_sent) return RetryRefusal::already_answering;
  if (!lists(retries.on, trigger_of(call, reply), reply.status)) return RetryRefusal::not_listed;
  if (!call.endpoint_available) return RetryRefusal::no_endpoint;
  if (!context_->breaker->still_closed(call.generation, now)) return RetryRefusal::breaker_moved;
  if (!call.nothing_sent)
    if (const auto refusal = why_not_twice(call)) return refusal;
  if (at >= call.total_at) return RetryRefusal::no_time;
  // Nobody waits for what is asked for in the background.
  if (at - now > retries.backoff.max && (call.context->background || !has_room_to_wait(call)))
    return RetryRefusal::no_room_to_wait;
  if (take_token(call, now)) return std::nullopt;
  long_wait_.leave();
  call.over_retry_budget = true;
  return RetryRefusal::over_budget;
}

bool RetryFilter::may_be_sent_twice(const Call& call) { return !why_not_twice(call); }

std::optional<RetryRefusal> RetryFilter::why_not_twice(const Call& call) {
  const Request& request = *call.context->request;
  if (!call.context->body_replayable) return RetryRefusal::body_not_kept;
  if (call.context->body_size > call.retries->max_body) return RetryRefusal::body_too_large;
  const auto& methods = call.retries->methods;
  const bool repeatable = methods.empty() ? request.is_idempotent()
                                          : std::find(methods.begin(), methods.end(), request.method) != methods.end();
  return repeatable ? std::nullopt : std::optional(RetryRefusal::not_repeatable);
}

// It would hold its slot and its connection while it waits, for as long as the upstream has asked for. Those that wait
// leave half of the slots, and three quarters of the connections, to requests that do not.
bool RetryFilter::has_room_to_wait(const Call& call) {
  constexpr std::uint32_t kShare = 4;
  const auto has_room = [](const limits::LimitsState* of) {
    return of == nullptr || of->limiter.in_use() <= of->limiter.limit() - of->limiter.limit() / 2;
  };
  return has_room(context_->limits) && has_room(context_->route_limits) &&
         (context_->long_waits == nullptr ||
          long_wait_.enter(std::max(call.upstream->limits.max_connections / kShare, 1U)));
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
