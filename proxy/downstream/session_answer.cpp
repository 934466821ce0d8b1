// SPDX-License-Identifier: Apache-2.0
// What a session does with a request that it has read: route, forward or answer, write, record.
#include <algorithm>
#include <utility>

#include "filters/connection_field.hpp"
#include "filters/list_field.hpp"
#include "proxy/downstream/session.hpp"
#include "proxy/http/chars.hpp"
#include "proxy/http/chunk_writer.hpp"
#include "proxy/http/dot_segments.hpp"
#include "proxy/http/field_ids.hpp"
#include "proxy/net/clock.hpp"
#include "proxy/request/own_answer.hpp"
#include "proxy/request/refresh.hpp"

namespace fusewire::proxy {

namespace {

constexpr std::uint64_t kDrainable = 64 * 1024;  // of a request's body, to keep its connection
constexpr std::size_t kJoined = 2048;            // a body up to this is copied behind its head: cheaper than gathering

bool has_no_body(int status) { return status < 200 || status == 204 || status == 304; }

// How the upstream's body goes on to this client (RFC 9112 §6).
ClientBody framing(const Response& response, const Request& request) {
  if (request.is_head() || has_no_body(response.status)) return ClientBody::none;
  if (response.body == BodyKind::length) return ClientBody::length;
  return request.minor_version == 0 ? ClientBody::until_close : ClientBody::chunked;
}

// Max-Forwards: 0, however many digits it takes (RFC 9110 §7.6.2).
bool is_last_hop(const Request& request) {
  const auto left = request.fields.find("max-forwards");
  return left && !left->empty() && left->find_first_not_of('0') == std::string_view::npos;
}

std::optional<std::uint64_t> declared_length(const Response& response) {
  const auto declares = [](const Field& field) { return field.id == FieldId::content_length; };
  if (response.status < 200 || response.status == 204) return std::nullopt;
  if (std::none_of(response.fields.begin(), response.fields.end(), declares)) return std::nullopt;
  return response.content_length;
}

// What a value of Forwarded says of the site that was asked for, and nothing of who has asked (RFC 7239 §4).
void append_site(std::string& scope, std::string_view forwarded) {
  bool strict = true;
  const auto add = [&](std::string_view pair) {
    const std::string_view name = pair.substr(0, pair.find('='));
    strict = strict && http::is_token(name);  // others may be read in more than one way
    if (iequals(name, "host") || iequals(name, "proto")) scope.append(pair).append(";");
  };
  const bool well_formed =
      for_each_member(forwarded, ',', [&](std::string_view element) { for_each_member(element, ';', add); });
  if (!well_formed || !strict) scope.append(forwarded).append("\n");
}

}  // namespace

// ------------------------------------------------------------------------------------------------------ the request

Task<void> Session::serve() {
  const Request& request = inbound_.request;
  if (refuse_) {
    close_ = true;
    co_return co_await refuse(Problem::concurrency_limit, "this listener has all its connections in use");
  }
  if (inbound_.body.failed()) co_return co_await refuse(Problem::bad_request, std::string(inbound_.body.failure()));
  if (inbound_.body.decoded() + inbound_.body.remaining() > inbound_.limits->max_body &&
      request.body == BodyKind::length)
    co_return co_await refuse(Problem::body_too_large, "the request's body is larger than this listener takes");
  if (inbound_.body.decoded() > inbound_.limits->max_body)
    co_return co_await refuse(Problem::body_too_large, "the request's body is larger than this listener takes");
  if (passed_here_before(request.fields, snapshot_->via))
    co_return co_await refuse(Problem::loop_detected, "the request has passed through this proxy before");
  if (request.method == "OPTIONS" && is_last_hop(request)) co_return co_await answer_options();
  if (listener_ == nullptr) co_return co_await refuse(Problem::no_route, "this listener is closed");
  const auto index = listener_->router.match(request);
  if (!index) co_return co_await refuse(Problem::no_route, listener_->router.why_no_match(request));
  route_ = &listener_->routes[*index];
  if (route_->config->normalize == config::Normalize::reject_dot_segments && http::has_dot_segments(request.path))
    co_return co_await refuse(Problem::bad_request, "the path has a . or .. segment");
  if (inbound_.connection.upgrade && asks_for_upgrade(request, route_->config->upgrades))
    inbound_.upgrades = &route_->config->upgrades;
  inbound_.route = route_;
  inbound_.cache_scope.clear();
  if (inbound_.peer.trusted) choose_cache_scope();

  const RequestContext context{
      .request = &request, .started = started_, .wall = wall_, .body_replayable = inbound_.body.done()};
  CallRunner call(worker_, inbound_, context, *snapshot_, *route_->upstream, *route_->timeouts, *route_->fallback);
  call_ = &call;
  Reply reply;
  CallRunner* const source = co_await call.resolve(reply, started_);
  source_ = source;
  if (is_forsaken(source->exchange().outcome) || is_forsaken(call.exchange().outcome)) {
    source->done();
    close_ = true;
    client_->close();
  } else if (source->exchange().outcome == Outcome::client_fault) {
    call.done();
    co_await refuse_body(source->forward().upload_state());
  } else if (reply.origin == Reply::Origin::upstream && reply.status == 101) {
    co_return co_await begin_tunnel(call, *source, reply);
  } else if (reply.origin == Reply::Origin::upstream) {
    co_await relay(*source, reply);
  } else {
    co_await source->release();
    call.done();
    co_await answer(reply, call.exchange().outcome, route_->upstream->config->name);
  }
  call.done();
  const bool runs_on = call.runs_on();
  if (runs_on) {
    record(&call);
    client_->shutdown_send();
  }
  co_await call.finish();
  call_ = nullptr;
  if (!runs_on) record(&call);
  if (source->wants_refresh() && !source->call.connection_bound) Refresh::start(worker_, inbound_, snapshot_, *source);
  worker_.give_back(std::move(reply.fields));
  co_await settle_request_body();
  if (must_linger()) co_await linger();
}

// What a trusted peer says of its client's connection goes upstream: an answer to that is for such requests alone.
void Session::choose_cache_scope() {
  std::string& scope = inbound_.cache_scope;
  const Fields& fields = inbound_.request.fields;
  for (const Field& field : fields) {
    if (inbound_.connection.names_fields && named_by_connection(fields, field.name)) continue;  // it goes no further
    if (field.id == FieldId::x_forwarded_proto || field.id == FieldId::x_forwarded_host ||
        field.id == FieldId::x_forwarded_port)
      scope.append(1, static_cast<char>(field.id)).append(field.value).append("\n");
    else if (field.id == FieldId::forwarded)
      append_site(scope, field.value);
  }
  if (!scope.empty()) scope.append(route_->cache_scope);
}

// The upload ended badly and the upstream had not answered yet.
Task<void> Session::refuse_body(Upload::State state) {
  Reply reply = problem_reply(Problem::request_timeout, "the request's body did not arrive in time");
  if (state == Upload::State::too_large)
    reply = problem_reply(Problem::body_too_large, "the request's body is larger than this listener takes");
  if (state == Upload::State::client_malformed)
    reply = problem_reply(Problem::bad_request, std::string(inbound_.body.failure()));
  close_ = true;
  worker_.cells().bad_requests.add();
  co_await answer(reply, Outcome::client_fault, {});
}

// A request that goes no further than here.
Task<void> Session::refuse(Problem problem, std::string detail) {
  const bool bad = (row(problem).flags & bits(Flag::bad_request)) != 0 && problem != Problem::loop_detected;
  if (bad) worker_.cells().bad_requests.add();
  if (problem != Problem::no_route && problem != Problem::loop_detected) close_ = true;
  Reply reply = problem_reply(problem, std::move(detail));
  co_await answer(reply, Outcome::local, {});
  record(nullptr);
  co_await settle_request_body();
  const bool lingers = must_linger() || (close_ && inbound_.request.target.empty());  // its head was not understood
  if (lingers) co_await linger();
}

// OPTIONS with Max-Forwards: 0 is ours to answer (RFC 9110 §7.6.2).
Task<void> Session::answer_options() {
  Reply reply;
  reply.origin = Reply::Origin::stored;
  reply.status = 200;
  reply.extra_fields = "Allow: GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS\r\n";
  co_await answer(reply, Outcome::local, {});
  record(nullptr);
  co_await settle_request_body();
}

// ------------------------------------------------------------------------------------------------------ the answer

bool Session::client_closes() const {
  return inbound_.connection.close || (inbound_.request.minor_version == 0 && !inbound_.connection.keep_alive);
}

// Also where clients wait for this connection's place.
bool Session::must_close() const {
  const bool is_last = client_->is_half_closed() && client_->buffer().empty();
  const bool runs_on = call_ != nullptr && call_->runs_on();
  return close_ || leaving_ || runs_on || client_closes() || is_last || inbound_.has_lost_bound() ||
         worker_.draining() || gate_->full.load(std::memory_order_relaxed);
}

// Whether what is left of the request's body is worth reading to keep the connection.
bool Session::rest_is_drainable() const {
  if (inbound_.body.done()) return true;
  const bool waits = inbound_.request.fields.find("expect").has_value();  // it may never send it
  return !waits && inbound_.body.kind() == BodyKind::length && inbound_.body.remaining() <= kDrainable;
}

// An answer that is whole in memory: the proxy's own, or a stored one.
Task<void> Session::answer(Reply& reply, Outcome outcome, std::string_view upstream) {
  Scratch room(worker_.scratch());
  std::string_view extra_fields = reply.extra_fields;
  if (reply.origin == Reply::Origin::problem) {
    const OwnAnswer own = render(reply, outcome, upstream, inbound_.request_id, *room);
    reply.fields.clear();
    extra_fields = reply.extra_fields.empty() ? own.fields : std::string_view(reply.extra_fields.append(own.fields));
    reply.body = own.body;
    reply.content_length = own.body.size();
    if (inbound_.request.is_head()) reply.body = {};
  }
  reply.fields.identify(http::field_id);  // those of a static answer come from the configuration
  close_ = must_close() || !rest_is_drainable();
  status_ = reply.status;
  error_ = reply.problem;
  const bool bodiless = has_no_body(reply.status);
  if (!reply.content_length && !bodiless) reply.content_length = reply.body.size();
  Scratch scratch(worker_.scratch());
  append_response_head(*scratch, {.status = reply.status,
                                  .reason = {},
                                  .fields = reply.fields,
                                  .connection = nullptr,
                                  .body = bodiless ? ClientBody::none : ClientBody::length,
                                  .content_length = reply.content_length,
                                  .extra_fields = extra_fields,
                                  .request_id = inbound_.request_id,
                                  .date_line = worker_.date_line(wall_),
                                  .close = close_,
                                  .http10 = inbound_.request.minor_version == 0});
  const bool joined = !bodiless && reply.body.size() <= kJoined;
  if (joined) scratch->append(reply.body);
  Gather gather;
  gather.add(*scratch);
  if (!bodiless && !joined) gather.add(reply.body);
  bytes_out_ += reply.body.size();
  co_await send(gather);
  reply.body = {};  // it may be in `room`
}

// The upstream's response, piece by piece as it comes.
Task<void> Session::relay(CallRunner& call, Reply& reply) {
  Forward& forward = call.forward();
  Exchange& x = call.exchange();
  const Response& response = forward.response();
  const ClientBody body = framing(response, inbound_.request);
  until_close_ = body == ClientBody::until_close;
  Scratch scratch(worker_.scratch());
  http::ChunkWriter chunks;
  for (bool first = true;; first = false) {
    const std::string_view piece = call.next_piece();
    const bool ended = x.outcome != Outcome::pending;
    if (ended && x.outcome != Outcome::complete) {
      co_await break_off(call, reply, first);
      co_return;
    }
    if (piece.empty() && !ended && !first) {
      co_await forward.wait();
      continue;
    }
    Gather gather;
    if (first) {
      const bool cuts_upload = ended && !rest_is_drainable();  // it ends with the response
      close_ = must_close() || body == ClientBody::until_close || cuts_upload;
      status_ = reply.status;
      append_response_head(*scratch, {.status = reply.status,
                                      .reason = response.reason,
                                      .fields = reply.fields,
                                      .connection = &forward.response_connection(),
                                      .body = body,
                                      .content_length = declared_length(response),
                                      .extra_fields = reply.extra_fields,
                                      .request_id = inbound_.request_id,
                                      .date_line = worker_.date_line(wall_),
                                      .close = close_,
                                      .http10 = inbound_.request.minor_version == 0,
                                      .upgrades = reply.status == 426 ? inbound_.upgrades : nullptr});
    }
    const bool joined = first && piece.size() <= kJoined && body != ClientBody::chunked;
    if (joined) scratch->append(piece);
    if (first) gather.add(*scratch);
    if (body == ClientBody::chunked)
      chunks.add(gather, piece, ended, forward.trailers());
    else if (!joined)
      gather.add(piece);
    bytes_out_ += piece.size();
    co_await send(gather);
    if (client_->write_failed() && x.outcome == Outcome::pending) forward.abandon(Outcome::client_gone);
    if (ended || is_forsaken(x.outcome)) break;
  }
  until_close_ = false;
  if (client_->write_failed()) close_ = true;
}

// The upstream failed after its head. What the client already has must not look whole; if it has nothing yet, it gets
// an answer of ours.
Task<void> Session::break_off(CallRunner& call, Reply& reply, bool nothing_written) {
  if (nothing_written && !is_forsaken(call.exchange().outcome)) {
    reply = failure_reply(call.call);
    CallRunner* const source = co_await call.decide(reply, call.exchange().response_end);
    source_ = source;
    if (reply.origin == Reply::Origin::upstream) co_return co_await relay(*source, reply);
    until_close_ = false;
    co_await source->release();
    co_return co_await answer(reply, call.exchange().outcome, call.upstream.config->name);
  }
  call.done();
  close_ = true;
  cut_client();
}

Task<void> Session::send(Gather& gather) {
  return client_->try_write(gather) ? Task<void>::ended() : send_slowly(gather);
}

Task<void> Session::send_slowly(Gather& gather) {
  if (call_ != nullptr) call_->on_client_stalled();
  begin_discarding();
  co_await stream_.flush(gather);
  discards_ = false;
  if (call_ != nullptr) call_->on_client_resumed();
}

// What is left of the request's body is dropped, so that the next request can be read; else the connection ends.
Task<void> Session::settle_request_body() {
  stream_.consume_body();
  if (!inbound_.body.done()) return drain_request_body();
  client_deadline_.disarm();
  if (client_->write_failed()) close_ = true;
  return Task<void>::ended();
}

Task<void> Session::drain_request_body() {
  auto& buffer = client_->buffer();
  if (!rest_is_drainable()) close_ = true;
  const Time begun = steady_now();
  if (!close_) client_deadline_.arm(begun + inbound_.limits->body_timeout);  // for all of it
  owes_body_ = true;
  while (!close_ && !inbound_.body.done()) {
    if (!buffer.empty()) {
      buffer.consume(inbound_.body.decode(buffer.data(), buffer.size()).consumed);
      if (inbound_.body.failed()) close_ = true;
    } else if (stream_.input_ended() || stream_.is_late()) {
      close_ = true;
    } else {
      wait_in(waiting().unfinished, begun);
      client_->start_read();
      co_await event_.wait();
    }
  }
  leave();
  owes_body_ = false;
  client_deadline_.disarm();
  over_ = steady_now();
  if (client_->write_failed()) close_ = true;
}

}  // namespace fusewire::proxy
