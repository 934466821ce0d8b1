// SPDX-License-Identifier: Apache-2.0
// One exchange with everything it points to, at a fixed time: Sun, 06 Nov 1994 08:49:37 GMT.
#pragma once

#include <chrono>
#include <initializer_list>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "filters/call.hpp"
#include "filters/http_date.hpp"
#include "filters/reply.hpp"
#include "filters/step.hpp"

namespace fusewire::test {

using namespace std::chrono_literals;
using FieldPairs = std::initializer_list<std::pair<std::string_view, std::string_view>>;

inline constexpr HttpTime kWall{std::chrono::seconds{784111777}};
inline constexpr std::string_view kDate = "Sun, 06 Nov 1994 08:49:37 GMT";
inline constexpr Time kStart{std::chrono::hours{1000}};

inline Fields make_fields(FieldPairs pairs) {
  Fields fields;
  for (const auto& [name, value] : pairs) fields.add(name, value);
  return fields;
}

inline Request get(std::string_view target = "/a", FieldPairs fields = {}) {
  Request request;
  request.method = "GET";
  request.set_target(target);
  request.authority = "shop.test";
  request.fields = make_fields(fields);
  return request;
}

inline Response ok(FieldPairs fields = {{"Cache-Control", "max-age=60"}}, std::uint64_t length = 5) {
  Response response;
  response.status = 200;
  response.fields = make_fields(fields);
  response.body = BodyKind::length;
  response.content_length = length;
  return response;
}

// The value of a field in Reply::extra_fields; empty when it is not there.
inline std::string_view extra(const Reply& reply, std::string_view name) {
  std::string_view rest = reply.extra_fields;
  while (!rest.empty()) {
    const std::string_view line = rest.substr(0, rest.find("\r\n"));
    if (const auto colon = line.find(": "); iequals(line.substr(0, colon), name)) return line.substr(colon + 2);
    rest.remove_prefix(line.size() + 2);
  }
  return {};
}

inline bool answers(const Step& step) { return std::holds_alternative<Answer>(step); }
// A filter's own reply to a request.
template <class Filter>
std::optional<Reply> own_reply(Filter& filter, Call& call, Time now, Step* said = nullptr) {
  Reply reply;
  const Step step = filter.on_request(call, reply, now);
  if (said != nullptr) *said = step;
  return answers(step) ? std::optional(std::move(reply)) : std::nullopt;
}
// What it wants, where the reply does not matter.
template <class Filter>
Step step_of(Filter& filter, Call& call, Time now) {
  Reply reply;
  return filter.on_request(call, reply, now);
}
inline bool waits(const Step& step) { return std::holds_alternative<Wait>(step); }
// The upstream that is to be asked in the reply's place; nullopt: none. Empty: the same one, again.
inline std::optional<std::string_view> asked_of(const Step& step) {
  const auto* ask = std::get_if<Ask>(&step);
  return ask != nullptr ? std::optional(ask->upstream) : std::nullopt;
}

struct Scene {
  config::Upstream upstream;
  Request request = get();
  Response response = ok();
  RequestContext request_context;
  Exchange x;
  Call call;

  Scene() {
    upstream.name = "orders";
    begin(kStart);
  }
  Scene(const Scene&) = delete;

  // A new call, with one attempt, on the same configuration, request and response.
  void begin(Time now) {
    request_context = {.request = &request,
                       .started = now,
                       .wall = kWall + std::chrono::duration_cast<WallTime::duration>(now - kStart)};
    x = {};
    call = {};
    call.context = &request_context;
    call.exchange = &x;
    call.upstream = &upstream;
    call.timeouts = &upstream.timeouts;
    call.fallback = &upstream.fallback;
    call.retries = &upstream.retries;
    call.circuit_breaker = &upstream.circuit_breaker;
  }
  // The request is on its way.
  void sent(Time now) {
    if (x.begun == kNever) x.begun = now;
    x.request_sent = now;
    call.nothing_sent = false;
  }
  // The upstream's head has come; the reply relays it.
  Reply head(Time now) {
    x.response = &response;
    x.response_head = now;
    x.upstream_status = response.status;
    Reply reply;
    reply.status = response.status;
    reply.fields = response.fields;
    return reply;
  }
  Reply problem(Outcome outcome, Problem problem, int status) {
    x.outcome = outcome;
    Reply reply;
    reply.origin = Reply::Origin::problem;
    reply.problem = problem;
    reply.status = status;
    return reply;
  }
};

}  // namespace fusewire::test
