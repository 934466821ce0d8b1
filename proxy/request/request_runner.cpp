// SPDX-License-Identifier: Apache-2.0
#include "proxy/request/request_runner.hpp"

#include <algorithm>
#include <utility>

#include "proxy/http/dot_segments.hpp"
#include "proxy/http/field_ids.hpp"
#include "proxy/net/clock.hpp"
#include "proxy/request/cache_scope.hpp"
#include "proxy/request/call_runner.hpp"
#include "proxy/request/own_answer.hpp"
#include "proxy/request/refresh.hpp"

namespace fusewire::proxy {

namespace {

constexpr const char* kTooLarge = "the request's body is larger than this listener takes";

// Max-Forwards: 0, however many digits it takes (RFC 9110 §7.6.2).
bool is_last_hop(const Request& request) {
  const auto left = request.fields.find("max-forwards");
  return left && !left->empty() && left->find_first_not_of('0') == std::string_view::npos;
}

bool is_too_large(const Inbound& inbound) {
  const bool declared = inbound.request.body == BodyKind::length;
  const std::uint64_t known = inbound.body.decoded() + (declared ? inbound.body.remaining() : 0);
  return known > inbound.limits->max_body;
}

// Where nobody is named whose word counts, everybody's does.
bool trusts_all(const Listener& listener) { return listener.config->trust_forwarded.empty(); }

std::optional<std::uint64_t> declared_length(const Response& response) {
  const auto declares = [](const Field& field) { return field.id == FieldId::content_length; };
  if (response.status < 200 || response.status == 204) return std::nullopt;
  if (std::none_of(response.fields.begin(), response.fields.end(), declares)) return std::nullopt;
  return response.content_length;
}

}  // namespace

RequestRunner::RequestRunner(WorkerContext& worker, Inbound& inbound, const Admitted& admitted)
    : worker_(worker), inbound_(inbound), client_(inbound.client), admitted_(admitted) {}

// ------------------------------------------------------------------------------------------------------ the request

Task<void> RequestRunner::serve() {
  const Request& request = inbound_.request;
  if (admitted_.snapshot->config.tracing) begin_trace(*admitted_.snapshot->config.tracing);
  if (inbound_.body.failed()) return refuse(Problem::bad_request, std::string(inbound_.body.failure()));
  if (is_too_large(inbound_)) return refuse(Problem::body_too_large, kTooLarge);
  if (passed_here_before(request.fields, admitted_.snapshot->via))
    return refuse(Problem::loop_detected, "the request has passed through this proxy before");
  if (request.method == "OPTIONS" && is_last_hop(request)) return answer_options();
  if (admitted_.listener == nullptr) return refuse(Problem::no_route, "this listener is closed");
  const Router& router = admitted_.listener->router;
  const auto index = router.match(request);
  if (!index) return refuse(Problem::no_route, router.why_no_match(request));
  route_ = &admitted_.listener->routes[*index];
  if (route_->config->normalize == config::Normalize::reject_dot_segments && http::has_dot_segments(request.path))
    return refuse(Problem::bad_request, "the path has a . or .. segment");
  if (inbound_.connection.upgrade && asks_for_upgrade(request, route_->config->upgrades))
    inbound_.upgrades = &route_->config->upgrades;
  inbound_.route = route_;
  inbound_.cache_scope.clear();
  if (inbound_.peer.trusted) append_cache_scope(inbound_.cache_scope, request, inbound_.connection, *route_);
  return forward();
}

void RequestRunner::begin_trace(const config::Tracing& tracing) {
  constexpr double kAll = 18446744073709551616.0;  // 2^64
  const bool sampled = static_cast<double>(worker_.random()) < tracing.sample_ratio * kAll;
  trace_ = TraceContext::of(inbound_.request.fields,
                            {.random = {worker_.random(), worker_.random(), worker_.random()}, .sampled = sampled});
  inbound_.trace = &*trace_;
}

Task<void> RequestRunner::refuse(Problem problem, std::string detail) {
  const bool bad = (row(problem).flags & bits(Flag::bad_request)) != 0 && problem != Problem::loop_detected;
  if (bad) worker_.cells().bad_requests.add();
  if (problem != Problem::no_route && problem != Problem::loop_detected) client_.close_after_response();
  reply_ = problem_reply(problem, std::move(detail));
  co_await answer(Outcome::local, {});
  record(nullptr);
}

// OPTIONS with Max-Forwards: 0 is ours to answer (RFC 9110 §7.6.2).
Task<void> RequestRunner::answer_options() {
  reply_.origin = Reply::Origin::stored;
  reply_.status = 200;
  reply_.extra_fields = "Allow: GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS\r\n";
  co_await answer(Outcome::local, {});
  record(nullptr);
}

Task<void> RequestRunner::forward() {
  const RequestContext context{.request = &inbound_.request,
                               .started = admitted_.started,
                               .wall = admitted_.wall,
                               .random = worker_.random(),
                               .body_size = inbound_.body.decoded(),
                               .body_replayable = inbound_.body.done(),
                               .deadline_trusted = inbound_.peer.trusted || trusts_all(*admitted_.listener)};
  CallRunner call(worker_, inbound_, context, *admitted_.snapshot, *route_->upstream, rules_of(*route_));
  call_ = &call;
  CallRunner* const source = co_await call.resolve(reply_, admitted_.started);
  source_ = source;
  const bool relays = reply_.origin == Reply::Origin::upstream;
  if (is_forsaken(source->exchange().outcome) || is_forsaken(call.exchange().outcome)) {
    source->done();
    client_.break_off();
  } else if (source->exchange().outcome == Outcome::client_fault) {
    call.done();
    co_await refuse_body(source->forward().upload_state());
  } else if (relays && reply_.status == 101) {
    co_return co_await switch_protocols(call, *source);
  } else if (relays) {
    co_await relay(*source);
  } else {
    co_await source->release();
    call.done();
    co_await answer(call.exchange().outcome, route_->upstream->config->name);
  }
  call.done();
  const bool runs_on = call.runs_on();
  if (runs_on) {
    record(&call);
    client_.end_sending();
  }
  co_await call.finish();
  call_ = nullptr;
  if (!runs_on) record(&call);
  if (source->wants_refresh() && !source->call.connection_bound)
    Refresh::start(worker_, inbound_, admitted_.snapshot, *source);
  worker_.give_back(std::move(reply_.fields));
}

// The upload ended badly and the upstream had not answered yet.
Task<void> RequestRunner::refuse_body(Upload::State state) {
  reply_ = problem_reply(Problem::request_timeout, "the request's body did not arrive in time");
  if (state == Upload::State::too_large) reply_ = problem_reply(Problem::body_too_large, kTooLarge);
  if (state == Upload::State::client_malformed)
    reply_ = problem_reply(Problem::bad_request, std::string(inbound_.body.failure()));
  client_.close_after_response();
  worker_.cells().bad_requests.add();
  return answer(Outcome::client_fault, {});
}

// ------------------------------------------------------------------------------------------------------ the response

// One that is whole in memory: the proxy's own, or a stored one.
Task<void> RequestRunner::answer(Outcome outcome, std::string_view upstream) {
  std::string_view extra_fields = reply_.extra_fields;
  if (reply_.origin == Reply::Origin::problem) {
    room_.emplace(worker_.scratch());
    const OwnAnswer own = render(reply_, outcome, upstream, inbound_.request_id, **room_);
    reply_.fields.clear();
    extra_fields = reply_.extra_fields.empty() ? own.fields : std::string_view(reply_.extra_fields.append(own.fields));
    reply_.body = own.body;
    reply_.content_length = own.body.size();
    if (inbound_.request.is_head()) reply_.body = {};
  }
  reply_.fields.identify(http::field_id);  // those of a static answer come from the configuration
  error_ = reply_.problem;
  const bool bodiless = has_no_body(reply_.status);
  if (!reply_.content_length && !bodiless) reply_.content_length = reply_.body.size();
  const ResponseStart start{.status = reply_.status,
                            .fields = reply_.fields,
                            .content_length = reply_.content_length,
                            .extra_fields = extra_fields,
                            .request_id = inbound_.request_id,
                            .date_line = worker_.date_line(admitted_.wall)};
  const bool written = write({.start = &start, .piece = reply_.body, .last = true});
  return written ? Task<void>::ended() : wait_for_client();
}

// The upstream's, piece by piece as it comes; what has come as a whole needs no coroutine.
Task<void> RequestRunner::relay(CallRunner& source) {
  const std::string_view piece = source.next_piece();
  const bool ended = source.exchange().outcome != Outcome::pending;
  if (ended && source.exchange().outcome != Outcome::complete) return break_off(source, true);
  const Response& response = source.forward().response();
  const ResponseStart start{.status = reply_.status,
                            .reason = response.reason,
                            .fields = reply_.fields,
                            .connection = &source.forward().response_connection(),
                            .length_known = response.body == BodyKind::length,
                            .content_length = declared_length(response),
                            .extra_fields = reply_.extra_fields,
                            .request_id = inbound_.request_id,
                            .date_line = worker_.date_line(admitted_.wall),
                            .upgrades = reply_.status == 426 ? inbound_.upgrades : nullptr};
  const bool written =
      write({.start = &start, .piece = piece, .last = ended, .trailers = &source.forward().trailers()});
  return written && ended ? Task<void>::ended() : relay_rest(source, ended, written);
}

// What follows the first part, of which it is known whether it is the last and whether all of it is written.
Task<void> RequestRunner::relay_rest(CallRunner& source, bool ended, bool written) {
  Forward& forward = source.forward();
  const Exchange& x = source.exchange();
  for (;;) {
    if (!written) co_await wait_for_client();
    if (client_.write_failed() && x.outcome == Outcome::pending) forward.abandon(Outcome::client_gone);
    if (ended || is_forsaken(x.outcome)) co_return;
    std::string_view piece = source.next_piece();
    while (piece.empty() && x.outcome == Outcome::pending) {
      co_await forward.wait();
      piece = source.next_piece();
    }
    ended = x.outcome != Outcome::pending;
    if (ended && x.outcome != Outcome::complete) co_return co_await break_off(source, false);
    written = write({.piece = piece, .last = ended, .trailers = &forward.trailers()});
  }
}

// The upstream failed after its head. What the client already has must not look whole; if it has nothing yet, it gets
// an answer of ours.
Task<void> RequestRunner::break_off(CallRunner& failed, bool nothing_written) {
  if (!nothing_written || is_forsaken(failed.exchange().outcome)) {
    failed.done();
    client_.break_off();
    co_return;
  }
  reply_ = failure_reply(failed.call);
  CallRunner* const source = co_await failed.decide(reply_, failed.exchange().response_end);
  source_ = source;
  if (reply_.origin == Reply::Origin::upstream) co_return co_await relay(*source);
  co_await source->release();
  co_await answer(failed.exchange().outcome, failed.upstream.config->name);
}

// The call ends with the 101: a client that has read it finds the call counted. What the upstream sent behind it goes
// to the client with the tunnel.
Task<void> RequestRunner::switch_protocols(CallRunner& first, CallRunner& source) {
  source.done(source.exchange().response_end);
  first.done();
  client_.close_after_response();  // whatever comes of it
  const Response& response = source.forward().response();
  const ResponseStart start{.status = reply_.status,
                            .reason = response.reason,
                            .fields = reply_.fields,
                            .connection = &source.forward().response_connection(),
                            .extra_fields = reply_.extra_fields,
                            .request_id = inbound_.request_id,
                            .upgrades = inbound_.upgrades};
  const Time now = steady_now();
  status_ = reply_.status;
  if (admitted_.listener != nullptr) count(worker_, *admitted_.listener, finished(nullptr, now));
  if (!write({.start = &start, .last = true})) co_await wait_for_client();
  if (!client_.write_failed())
    switched_ = std::make_unique<Switched>(Switched{.upstream = source.forward().take_connection(),
                                                    .idle = source.call.timeouts->tunnel_idle,
                                                    .endpoint = first.endpoint(),
                                                    .record = access_record(finished(&first, steady_now()))});
  co_await first.finish();
  call_ = nullptr;
  keep(worker_, finished(&first, now));
  if (!switched_) write_access_line(worker_, admitted_.snapshot->config.log, access_record(finished(&first, now)), now);
  worker_.give_back(std::move(reply_.fields));
}

// True: all of it is written.
bool RequestRunner::write(const ResponsePart& part) {
  if (part.start != nullptr) {
    if (call_ != nullptr && call_->runs_on()) client_.close_after_response();
    status_ = part.start->status;
  }
  bytes_out_ += part.piece.size();
  return client_.write(part);
}

// It takes its response slowly.
Task<void> RequestRunner::wait_for_client() {
  if (call_ != nullptr) call_->on_client_stalled();
  co_await client_.flush_response();
  if (call_ != nullptr) call_->on_client_resumed();
}

void RequestRunner::client_left() {
  if (call_ != nullptr) call_->cut_off(Outcome::client_gone);
}

void RequestRunner::stop() {
  stopped_ = true;
  if (call_ != nullptr) call_->cut_off(Outcome::cut_off);
}

void RequestRunner::drain() {
  if (call_ != nullptr) call_->stop_running_on();
}

void RequestRunner::record(const CallRunner* call) {
  ended_ = steady_now();
  const FinishedRequest request = finished(call, ended_);
  if (admitted_.listener != nullptr) count(worker_, *admitted_.listener, request);
  keep(worker_, request);
  const config::Log& log = admitted_.snapshot->config.log;
  if (log.access) write_access_line(worker_, log, access_record(request), ended_);
}

FinishedRequest RequestRunner::finished(const CallRunner* call, Time end) const {
  return {.inbound = inbound_,
          .listener = admitted_.listener_name,
          .route = route_,
          .first = call,
          .source = source_,
          .wall = admitted_.wall,
          .started = admitted_.started,
          .ended = end,
          .status = status_,
          .error = error_,
          .detail = error_ != Problem::none ? std::string_view(reply_.detail) : std::string_view{},
          .bytes_out = bytes_out_,
          .cut_off = stopped_};
}

}  // namespace fusewire::proxy
