// SPDX-License-Identifier: Apache-2.0
#include "filters/timeout/deadline_filter.hpp"

#include <algorithm>

#include "filters/timeout/deadline.hpp"

namespace fusewire {
namespace {

// The way back of an answer that stands in for the upstream's: a twentieth of the time, and 50 ms at most.
milliseconds kept_back(const Call& call, milliseconds total) noexcept {
  const bool by_client = total < call.timeouts->total;
  if (!by_client || call.fallback->chain.empty()) return milliseconds::zero();
  return std::min(total / 20, milliseconds(50));
}

}  // namespace

Step DeadlineFilter::on_request(Call& call, Reply& reply, Time now) {
  const auto asked = client_deadline_ms(call);
  const milliseconds total = total_of(call, asked);
  call.deadline_asked = asked.has_value();
  if (asked)
    call.note(Decision::deadline_asked, now, 0, 0,
              static_cast<std::int64_t>(std::min<std::uint64_t>(*asked, kNoValue - 1)));
  call.total_at = std::min(call.total_at, call.context->started + total - kept_back(call, total));
  call.short_deadline = total < call.timeouts->total || has_little_time(call, now);
  if (now < call.total_at) return Proceed{};
  call.note(Decision::deadline_passed, now);
  call.exchange->outcome = Outcome::local;
  call.set(Flag::upstream_timeout);
  reply = {};
  reply.origin = Reply::Origin::problem;
  reply.problem = Problem::total_timeout;
  reply.status = 504;
  reply.detail = "the request's deadline expired before it could be sent to '" + call.upstream->name + "'";
  return Answer{};
}

}  // namespace fusewire
