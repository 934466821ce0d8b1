// SPDX-License-Identifier: Apache-2.0
#include "filters/timeout/timeout_filter.hpp"

#include <algorithm>
#include <charconv>

namespace fusewire {
namespace {

// Digits only; nullopt for anything else. Saturates on overflow.
std::optional<std::uint64_t> parse_ms(std::string_view text) noexcept {
  if (text.empty() || text.find_first_not_of("0123456789") != std::string_view::npos) return std::nullopt;
  std::uint64_t ms = 0;
  if (std::from_chars(text.data(), text.data() + text.size(), ms).ec != std::errc{}) return UINT64_MAX;
  return ms;
}

// The shortest deadline that the client named.
std::optional<std::uint64_t> client_deadline(const Exchange& x) noexcept {
  std::optional<std::uint64_t> shortest;
  const std::string& name = x.timeouts->deadline_header;
  if (name.empty()) return shortest;
  for (const Field& field : x.request->fields) {
    if (!iequals(field.name, name)) continue;
    const auto ms = parse_ms(field.value);
    if (ms && (!shortest || *ms < *shortest)) shortest = ms;
  }
  return shortest;
}

}  // namespace

milliseconds total_of(const Exchange& x) noexcept {
  const milliseconds configured = x.timeouts->total;
  const auto asked = client_deadline(x);
  if (!asked || *asked >= static_cast<std::uint64_t>(configured.count())) return configured;
  return milliseconds(static_cast<milliseconds::rep>(*asked));
}

namespace {

// A first upstream, or the fetch of somebody else that was waited for, has left less than half of what an answer may
// take.
bool others_used_it(const Exchange& x, Time now) noexcept {
  return x.total_at - now < std::min(x.timeouts->total, x.timeouts->response) / 2;
}

}  // namespace

std::optional<Reply> TimeoutFilter::on_request(Exchange& x, Time now) {
  const milliseconds total = total_of(x);
  x.deadline_asked = client_deadline(x).has_value();
  x.total_at = std::min(x.total_at, x.started + total);
  x.short_deadline = total < x.timeouts->total || others_used_it(x, now);
  x.connect_within = x.timeouts->connect;
  x.response_within = x.timeouts->response;
  x.idle_within = x.timeouts->idle;
  if (now < x.total_at) return std::nullopt;
  x.outcome = Outcome::local;
  x.set(Flag::upstream_timeout);
  Reply reply;
  reply.origin = Reply::Origin::problem;
  reply.problem = Problem::total_timeout;
  reply.status = 504;
  reply.detail = "the request's deadline expired before it could be sent to '" + x.upstream->name + "'";
  return reply;
}

std::optional<std::uint64_t> remaining_deadline_ms(const Exchange& x, Time now) noexcept {
  if (x.total_at == kNever || !x.deadline_asked) return std::nullopt;
  const auto left = std::chrono::floor<milliseconds>(x.total_at - now).count();
  return static_cast<std::uint64_t>(std::max<milliseconds::rep>(left, 1));  // 0 would say that it was over before
}

}  // namespace fusewire
