// SPDX-License-Identifier: Apache-2.0
#include "filters/limits/concurrency_filter.hpp"

#include <algorithm>
#include <charconv>
#include <string>

#include "filters/breaker/core/breaker.hpp"
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

}  // namespace

Step ConcurrencyFilter::on_request(Call& call, Reply& reply, Time now) {
  if (waiter_) return end_wait(call, reply, now);
  if (!context_->breaker->available(now)) return Proceed{};
  slot_ = context_->limiter->try_acquire(call.upstream->limits.max_concurrent_requests);
  return slot_ ? Proceed{} : enqueue(call, reply, now);
}

Step ConcurrencyFilter::enqueue(Call& call, Reply& reply, Time now) {
  const auto& queue = call.upstream->limits.queue;
  const std::string upstream = "upstream '" + call.upstream->name + "' has as many requests as it may have at once";
  if (!queue) {
    call.note(Decision::slot_refused, now, SlotRefusal::no_queue);
    return limits::refuse(call, reply, Problem::concurrency_limit, upstream);
  }
  waiter_ = std::make_unique<limits::ConcurrencyLimiter::Waiter>(*context_->limiter);
  if (waiter_->enter(call.upstream->limits.max_concurrent_requests, queue->size,
                     priority_of(call, queue->priority_header))) {
    const Time deadline = std::min(call.total_at, call.context->started + total_of(call));
    call.note(Decision::slot_waits, now);
    return Wait{waiter_.get(), std::min(now + queue->timeout, deadline)};
  }
  waiter_.reset();
  call.note(Decision::slot_refused, now, SlotRefusal::queue_full);
  return limits::refuse(call, reply, Problem::concurrency_limit, upstream + ", and its queue is full");
}

Step ConcurrencyFilter::end_wait(Call& call, Reply& reply, Time now) {
  slot_ = waiter_->take();
  waiter_.reset();
  if (slot_) {
    call.note(Decision::slot_taken, now);
    return Proceed{};
  }
  call.note(Decision::slot_refused, now, SlotRefusal::queue_timeout);
  return limits::refuse(call, reply, Problem::queue_timeout,
                        "no request to upstream '" + call.upstream->name + "' ended in time to make room for this one");
}

}  // namespace fusewire
