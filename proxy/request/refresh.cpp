// SPDX-License-Identifier: Apache-2.0
#include "proxy/request/refresh.hpp"

#include <algorithm>
#include <array>

#include "filters/limits/limits_state.hpp"
#include "proxy/net/clock.hpp"
#include "proxy/net/descriptors.hpp"
#include "proxy/net/spawn.hpp"

namespace fusewire::proxy {

namespace {

// The client's own conditions, its part of the body, and what it said to caches.
bool stays_behind(std::string_view name) {
  constexpr std::array<std::string_view, 9> kNames = {
      "if-match", "if-none-match", "if-modified-since", "if-unmodified-since", "if-range", "range", "cache-control",
      "pragma",   "expect"};
  return iequals_any(name, kNames);
}

// Those that hang leave most of the places to clients, by whichever limit is in force; and those with a cookie, which
// may be why, half of theirs to the others.
std::uint32_t max_refreshes(const CallRunner& answered, bool has_cookie) {
  constexpr std::uint32_t kMax = 64;
  constexpr std::uint32_t kShare = 4;
  const config::UpstreamLimits& configured = answered.upstream.config->limits;
  std::uint32_t places = std::min(configured.max_connections, configured.max_concurrent_requests);
  const config::RouteLimits* const of_route = answered.call.route_limits;
  if (of_route != nullptr && (of_route->max_concurrent_requests || of_route->adaptive_concurrency))
    places = std::min(places, answered.context.route_limits->limiter.limit());
  if (configured.adaptive_concurrency) places = std::min(places, answered.context.limits->limiter.limit());
  return std::max(std::clamp(places / kShare, 1U, kMax) / (has_cookie ? 2 : 1), 1U);
}

}  // namespace

void Refresh::start(WorkerContext& worker, const Inbound& asked, std::shared_ptr<const Snapshot> snapshot,
                    const CallRunner& answered) {
  if (is_next_reserved(Reserve::near_client)) return;  // clients need them more
  CountedPlace place(&answered.upstream.state->refreshes);
  if (!place.enter(max_refreshes(answered, asked.request.has_cookie()))) return;
  spawn(run(std::make_shared<Refresh>(worker, asked, std::move(snapshot), answered, std::move(place))), "refresh");
}

Refresh::Refresh(WorkerContext& worker, const Inbound& asked, std::shared_ptr<const Snapshot> snapshot,
                 const CallRunner& answered, CountedPlace place)
    : worker_(worker),
      snapshot_(std::move(snapshot)),
      place_(std::move(place)),
      inbound_{.client = nobody_,
               .event = event_,
               .session = {},
               .peer = asked.peer,
               .limits = asked.limits,
               .connection = asked.connection,
               .request_id = std::string(worker.new_request_id()),
               .route = asked.route,
               .cache_scope = asked.cache_scope},
      fallback_{.on = answered.call.fallback->on, .chain = {}},
      context_{.request = &inbound_.request,
               .started = steady_now(),
               .wall = std::chrono::system_clock::now(),
               .background = true},
      call_(worker, inbound_, context_, *snapshot_, answered.upstream,
            {answered.context, *answered.call.circuit_breaker, *answered.call.timeouts, fallback_,
             *answered.call.retries, answered.call.route_limits}) {
  copy_request(asked.request);
  worker_.refreshes().add(*this);
}

Refresh::~Refresh() { worker_.refreshes().remove(*this); }

void Refresh::copy_request(const Request& asked) {
  std::size_t size = asked.path.size() + asked.query.size() + asked.authority.size() + asked.scheme.size();
  for (const Field& field : asked.fields) size += field.name.size() + field.value.size();
  text_.reserve(size);  // it never moves from here on
  const auto keep = [this](std::string_view text) {
    const std::size_t from = text_.size();
    text_.append(text);
    return std::string_view(text_).substr(from);
  };
  Request& request = inbound_.request;
  request.method = "GET";
  request.path = keep(asked.path);
  request.query = keep(asked.query);
  request.target = std::string_view(text_).substr(0, request.path.size() + request.query.size());
  request.authority = keep(asked.authority);
  request.scheme = keep(asked.scheme);
  request.minor_version = asked.minor_version;
  for (const Field& field : asked.fields) {
    const bool deadline = iequals(field.name, call_.call.timeouts->deadline_header);
    if (deadline || stays_behind(field.name) || field.id == FieldId::lookalike || field.id == FieldId::x_request_id)
      continue;
    const std::string_view name = keep(field.name);
    request.fields.add(name, keep(field.value), field.id);
  }
}

Task<void> Refresh::run(std::shared_ptr<Refresh> self) {
  self->inbound_.session = self;
  CallRunner& call = self->call_;
  Reply reply;
  CallRunner* const source = co_await call.resolve(reply, self->context_.started);
  if (reply.origin == Reply::Origin::upstream) co_await self->read_body(*source);
  source->done();
  call.done();
  co_await call.finish();
}

// To its end, or until it turns out that the cache does not want it.
Task<void> Refresh::read_body(CallRunner& source) {
  for (;;) {
    const std::string_view piece = source.next_piece();
    if (source.exchange().outcome != Outcome::pending) co_return;
    if (!source.chain.needs_body()) co_return source.forward().abandon(Outcome::abandoned);
    if (piece.empty()) co_await source.forward().wait();
  }
}

void Refresh::stop() {
  call_.cut_off(Outcome::cut_off);
  event_.set();
}

}  // namespace fusewire::proxy
