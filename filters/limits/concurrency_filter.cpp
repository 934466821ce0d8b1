// SPDX-License-Identifier: Apache-2.0
#include "filters/limits/concurrency_filter.hpp"

#include <algorithm>
#include <charconv>
#include <limits>
#include <string>
#include <utility>

#include "filters/breaker/may_pass.hpp"
#include "filters/limits/limits_state.hpp"
#include "filters/limits/refusal.hpp"
#include "filters/timeout/deadline.hpp"

namespace fusewire {
namespace {

// A whole number of a client that may set its own; 0 for anything else.
std::int32_t priority_of(const Call& call, const std::string& header) {
  const auto value =
      header.empty() || !call.context->deadline_trusted ? std::nullopt : call.context->request->fields.find(header);
  std::int32_t priority = 0;
  if (!value) return 0;
  const char* const end = value->data() + value->size();
  const auto [stop, error] = std::from_chars(value->data(), end, priority);
  return error == std::errc{} && stop == end ? priority : 0;
}

std::uint32_t most_of(const config::RouteLimits& limits) {
  return limits.max_concurrent_requests.value_or(std::numeric_limits<std::uint32_t>::max());
}

std::uint32_t lower(std::uint32_t requests, const std::optional<config::AdaptiveConcurrency>& adaptive,
                    const limits::LimitsState& state, Time now) {
  return adaptive ? std::min(requests, state.adaptive_limit.limit(*adaptive, now)) : requests;
}

}  // namespace

auto ConcurrencyFilter::limit_of_route(const Call& call, Time now) const -> std::optional<Limit> {
  const config::RouteLimits* const limits = call.route_limits;
  if (limits == nullptr || (!limits->max_concurrent_requests && !limits->adaptive_concurrency)) return std::nullopt;
  limits::LimitsState& state = *context_->route_limits;
  return Limit{&state, lower(most_of(*limits), limits->adaptive_concurrency, state, now), &limits->queue};
}

auto ConcurrencyFilter::limit_of_upstream(const Call& call, Time now) const -> Limit {
  const config::UpstreamLimits& limits = call.upstream->limits;
  limits::LimitsState& state = *context_->limits;
  return {&state, lower(limits.max_concurrent_requests, limits.adaptive_concurrency, state, now), &limits.queue};
}

Step ConcurrencyFilter::on_request(Call& call, Reply& reply, Time now) {
  if (waiter_) {
    if (Step step = end_wait(call, reply, now); !proceeds(step)) return step;
  }
  if (!may_pass(call, *context_, now)) return Proceed{};  // to the breaker, which rejects it
  if (next_ == kRoute) {
    if (const auto limit = limit_of_route(call, now))
      if (Step step = take(call, reply, *limit, now); !proceeds(step)) return step;
    next_ = kUpstream;
  }
  return next_ == kUpstream ? take(call, reply, limit_of_upstream(call, now), now) : Proceed{};
}

Step ConcurrencyFilter::take(Call& call, Reply& reply, const Limit& limit, Time now) {
  auto slot = limit.state->limiter.try_acquire(limit.requests);
  if (!slot) return enqueue(call, reply, limit, now);
  hold(call, std::move(slot));
  return Proceed{};
}

void ConcurrencyFilter::hold(Call& call, std::optional<Slot> slot) {
  (next_ == kRoute ? call.route_in_flight : call.in_flight) = slot->in_flight();
  slots_[next_++] = std::move(slot);
}

Step ConcurrencyFilter::enqueue(Call& call, Reply& reply, const Limit& limit, Time now) {
  const auto& queue = *limit.queue;
  std::string full = limits::whose(*context_, *limit.state) + " has as many requests as it may have at once";
  if (!queue) {
    note(call, Decision::slot_refused, limit, now, SlotRefusal::no_queue);
    return refuse(call, reply, Problem::concurrency_limit, *limit.state, std::move(full));
  }
  waiter_ = std::make_unique<limits::ConcurrencyLimiter::Waiter>(limit.state->limiter);
  if (waiter_->enter(limit.requests, queue->size, priority_of(call, queue->priority_header))) {
    note(call, Decision::slot_waits, limit, now);
    const Time deadline = std::min(call.total_at, call.context->started + total_of(call));
    return Wait{waiter_.get(), std::min(now + queue->timeout, deadline)};
  }
  waiter_.reset();
  note(call, Decision::slot_refused, limit, now, SlotRefusal::queue_full);
  return refuse(call, reply, Problem::concurrency_limit, *limit.state, full + ", and its queue is full");
}

Step ConcurrencyFilter::end_wait(Call& call, Reply& reply, Time now) {
  auto slot = waiter_->take();
  waiter_.reset();
  const Limit limit = next_ == kRoute ? *limit_of_route(call, now) : limit_of_upstream(call, now);
  if (slot) {
    note(call, Decision::slot_taken, limit, now);
    hold(call, std::move(slot));
    return Proceed{};
  }
  note(call, Decision::slot_refused, limit, now, SlotRefusal::queue_timeout);
  return refuse(call, reply, Problem::queue_timeout, *limit.state,
                "no request to " + limits::whose(*context_, *limit.state) + " ended in time to make room for this one");
}

void ConcurrencyFilter::note(Call& call, Decision what, const Limit& limit, Time now, SlotRefusal why) const {
  const bool of_route = limit.state == context_->route_limits;
  const bool adaptive = of_route ? limit.requests < most_of(*call.route_limits)
                                 : limit.requests < call.upstream->limits.max_concurrent_requests;
  call.note(what, now, why, LimitNote{of_route, adaptive}.packed(), limit.requests);
}

Step ConcurrencyFilter::refuse(Call& call, Reply& reply, Problem problem, const limits::LimitsState& state,
                               std::string why) {
  slots_ = {};
  call.limited_by_route = &state == context_->route_limits;
  return limits::refuse(call, reply, problem, std::move(why));
}

}  // namespace fusewire
