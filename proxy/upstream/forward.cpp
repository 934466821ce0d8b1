// SPDX-License-Identifier: Apache-2.0
#include "proxy/upstream/forward.hpp"

#include <algorithm>

#include "filters/timeout/deadline.hpp"
#include "proxy/http/keep_alive.hpp"
#include "proxy/net/clock.hpp"
#include "proxy/upstream/host_rewrite.hpp"

namespace fusewire::proxy {

namespace {

constexpr unsigned kMaxInterims = 64;  // 1xx before one final response

}  // namespace

Forward::Forward(WorkerContext& worker, Inbound& inbound, const Upstream& upstream, std::string_view via, Call& call,
                 Exchange& x, CallChain& chain)
    : worker_(worker),
      inbound_(inbound),
      upstream_(upstream),
      via_(via),
      call_(call),
      x_(x),
      chain_(chain),
      due_(worker.deadlines(), [this] { on_deadline(); }),
      dial_(worker, upstream, inbound.event, *this),
      upload_(inbound) {}

Forward::~Forward() {
  if (connection_) connection_->channel().close();
  worker_.give_back(std::move(response_.fields));
}

void Forward::listen_to_client() {
  if (!upload_.running() && !running_on_) inbound_.client.listen();
}

void Forward::end(Outcome outcome) { end(Fault{outcome, steady_now()}); }

void Forward::end(const Fault& fault) {
  if (x_.outcome != Outcome::pending) return;
  call_.runs_on = is_given_up(fault.outcome) && !worker_.draining() && chain_.wants_verdict(call_);
  x_.outcome = fault.outcome;
  x_.response_end = fault.at;
  phase_ = Phase::over;
  dial_.cancel();
  if (fault.outcome == Outcome::complete) return;
  x_.client_withheld = x_.client_withheld || x_.waits.withheld(fault.at);
  if (connection_ && !call_.runs_on) connection_->channel().close();
}

// Whether only the client's end, or its own deadline, keeps the upstream from answering.
bool Forward::is_given_up(Outcome outcome) const {
  if ((phase_ != Phase::waiting && !dialling_) || has_head_ || running_on_) return false;
  return outcome == Outcome::client_gone || (outcome == Outcome::total_timeout && call_.short_deadline);
}

// ------------------------------------------------------------------------------------------------------ connecting

const std::shared_ptr<EndpointState>& Forward::endpoint() const {
  static const std::shared_ptr<EndpointState> kNone;
  return choice_.endpoint == nullptr ? kNone : *choice_.endpoint;
}

// The client's own connection, where an authentication of the connection goes on. A leg of a handshake makes no sense
// on another one: then x.outcome says `reset`.
bool Forward::take_bound_connection() {
  auto own = inbound_.bound->take(upstream_);
  own_ = own.connection != nullptr;
  if (own_) {
    choice_ = {own.endpoint, BackendPtr(&own.connection->backend())};
    connection_ = std::move(own.connection);
  } else if (inbound_.connection_bound && inbound_.bound->has_lost(*upstream_.state)) {
    x_.client_withheld = true;  // nothing was sent: it says nothing of the upstream
    end(Outcome::reset);
  }
  return own_;
}

void Forward::choose_endpoint() {
  if (inbound_.bound && take_bound_connection()) return;
  choice_ = worker_.balancer().choose(upstream_, x_.begun);
}

bool Forward::reuse_connection() {
  ++attempts_;
  const Time now = x_.begun;
  if (!fresh_ && !connection_ && choice_.backend)
    connection_ = worker_.pool().take(*choice_.backend, now, call_.timeouts->keep_alive);
  if (connection_) Balancer::mark_reachable(*choice_.backend);
  return connection_ != nullptr;
}

void Forward::begin_with_connection() {
  written_before_ = connection_->channel().bytes_written();
  received_any_ = false;
  head_progress_.restart();
  connection_->channel().watch(this);
}

Task<void> Forward::connect() {
  phase_ = Phase::connecting;
  connect_started_ = steady_now();
  arm();
  const bool placed = co_await dial_.acquire_slot([this] {
    inbound_.client.listen();
    return fault_ || inbound_.client.gone();
  });
  if (!placed) co_return end(why_no_slot());
  connect_started_ = steady_now();
  arm();
  const Time until = std::min(connect_started_ + x_.connect_within, call_.total_at);
  const Dial::Until when{.time = until, .limited_by_connect_timeout = until < call_.total_at};
  co_await dial(when, [this] {
    inbound_.client.listen();
    return interrupted();
  });
}

Task<void> Forward::dial(const Dial::Until& until, const Dial::GiveUp& give_up) {
  dialling_ = true;
  connection_ = co_await dial_.connect(choice_, connect_started_, until, give_up);
  dialling_ = false;
  if (connection_) co_return;
  x_.tls_fault = dial_.tls_fault();
  end(Fault{dial_.outcome(), std::min(steady_now(), until.time)});
}

Outcome Forward::why_no_slot() const {
  if (fault_ && is_forsaken(fault_->outcome)) return fault_->outcome;
  return inbound_.client.gone() ? Outcome::client_gone : Outcome::overload;
}

// ------------------------------------------------------------------------------------------------------ sending

Task<void> Forward::fetch_head() {
  response_.fields = worker_.take_fields();
  bool again = x_.outcome == Outcome::pending;
  while (again) {
    if (!reuse_connection()) co_await connect();
    if (!connection_) co_return;
    begin_with_connection();
    co_await send();
    co_await receive_head();
    again = !has_head_ && x_.outcome == Outcome::reset && may_try_again();
    if (again) start_over();
  }
}

void Forward::start_over() {
  upstream_.state->cells.of(worker_.index()).stale_retries.add();
  connection_.reset();
  x_.outcome = Outcome::pending;
  x_.response_end = kNever;
  x_.client_withheld = x_.stale_connection = false;
  fresh_ = true;
}

// A kept connection that turned out closed (RFC 9110 §9.2.2, docs/decisions/0003).
bool Forward::may_try_again() const {
  if (running_on_ || fresh_ || !connection_ || !connection_->reused() || received_any_) return false;
  if (own_ && inbound_.connection_bound) return false;  // a leg of a handshake is good on its own connection alone
  const bool nothing_sent = connection_->channel().bytes_written() == written_before_;
  return upload_.state() == Upload::State::idle && inbound_.body.done() &&
         (nothing_sent || call_.context->request->is_idempotent());
}

void Forward::append_head(std::string& out) {
  RequestHead head{.request = *call_.context->request,
                   .connection = inbound_.connection,
                   .peer = inbound_.peer,
                   .via = via_,
                   .request_id = inbound_.request_id,
                   .host = host_sent(inbound_.route->config->host, *call_.context->request, *endpoint()),
                   .deadline_header = call_.timeouts->deadline_header,
                   .deadline_ms = {},
                   .upgrades = inbound_.upgrades,
                   .conditions = call_.conditions};
  if (const auto left = call_.deadline_asked ? remaining_deadline_ms(call_, steady_now()) : std::nullopt)
    head.deadline_ms = static_cast<std::int64_t>(*left);
  append_request_head(out, head);
}

Task<void> Forward::send() {
  phase_ = Phase::sending;
  Channel& channel = connection_->channel();
  Scratch scratch(worker_.scratch());
  append_head(*scratch);
  Gather gather;
  gather.add(*scratch);
  http::ChunkWriter chunks;
  const bool whole = inbound_.body.done();
  if (call_.context->request->body == BodyKind::chunked) {
    if (whole || !inbound_.buffered_body.empty())
      chunks.add(gather, inbound_.buffered_body, whole, inbound_.body.trailers());
  } else {
    gather.add(inbound_.buffered_body);
  }
  last_progress_ = x_.begun;
  const bool at_once = channel.try_write(gather);
  if (!at_once) {
    begin_blocked_write(steady_now());
    arm();
    inbound_.client.watch_for_end();
    co_await channel.flush(gather);
    blocked_ = false;
  }
  if (!at_once || call_.context->request->body != BodyKind::none) last_progress_ = steady_now();
  call_.nothing_sent = call_.nothing_sent && channel.bytes_written() == written_before_;
  if (whole) {
    x_.request_sent = call_.context->request->body == BodyKind::none ? x_.begun : last_progress_;
    phase_ = Phase::waiting;
    co_return;
  }
  call_.nothing_sent = false;  // a part of the body is used up, and can't be sent elsewhere
  inbound_.client.consume_body();
  inbound_.buffered_body = {};
  if (channel.write_failed()) co_return;  // perhaps it has answered early: the read will tell
  x_.waits.upload_begins(steady_now());
  upload_.start(channel,
                [this](Upload::Progress progress, Time now, std::size_t bytes) { on_upload(progress, now, bytes); });
}

// ------------------------------------------------------------------------------------------------------ receiving

Task<void> Forward::receive_head() {
  Channel& channel = connection_->channel();
  arm();
  while (x_.outcome == Outcome::pending) {
    if (parse_head()) {
      if (has_head_ || x_.outcome != Outcome::pending) co_return;
      co_await relay_interim();
      continue;
    }
    if (x_.outcome != Outcome::pending) co_return;
    if (channel.ended()) {
      x_.stale_connection = is_stale(steady_now());
      end(fault_.value_or(Fault{Outcome::reset, steady_now()}));
      co_return;
    }
    if (interrupted()) co_return;
    channel.start_read();
    listen_to_client();
    co_await inbound_.event.wait();
  }
}

// Whether the upstream has closed a kept connection for its age, when the request was on its way: it had been idle for
// long and ends at once, or its kernel has acknowledged none of the request. One that is reset, or closed, behind a
// request that has been taken is another matter.
bool Forward::is_stale(Time now) const {
  constexpr std::chrono::seconds kLong{1};
  constexpr milliseconds kAtOnce{100};
  if (!connection_->reused() || received_any_) return false;
  if (x_.begun - connection_->idle_since() >= kLong) return now - x_.begun < kAtOnce;
  const Channel& channel = connection_->channel();
  return channel.eof() && !channel.was_reset() && channel.unacknowledged() > 0;
}

// True when a head was taken from the buffer: the final one (has_head), a 1xx, or one that is refused (x.outcome).
bool Forward::parse_head() {
  Channel& channel = connection_->channel();
  if (channel.buffer().empty()) return false;
  received_any_ = true;
  const http::HeadResult head = read_head(channel);
  if (head.parsed == http::Parsed::incomplete) return false;
  if (head.parsed == http::Parsed::refused) return refuse(head.reason), true;
  if (switches_unasked(head)) return refuse("a switch of protocols that was not asked for"), true;
  response_connection_ = head.connection;
  call_.connection_bound = call_.connection_bound || head.connection_bound;
  channel.buffer().hold(head.size);
  if (response_.status < 200 && response_.status != 101) {
    if (++interims_ > kMaxInterims) refuse("too many interim responses");
    return true;
  }
  has_head_ = true;
  if (call_.connection_bound && !response_connection_.close) reserve_bound_connection();
  x_.response = &response_;
  x_.upstream_status = response_.status;
  x_.response_head = last_progress_ = steady_now();
  x_.answered_stall = x_.waits.withholds_upload(x_.response_head);
  body_ = http::BodyDecoder(response_.body, response_.content_length);
  phase_ = Phase::relaying;
  if (body_.done()) end(Outcome::complete);
  arm();
  return true;
}

// ------------------------------------------------------------------------------------------------------ the end

// The time in which the client took its own answer, while nobody listened to the upstream, is not the upstream's.
Task<void> Forward::run_on() {
  running_on_ = true;
  fault_.reset();
  const Time now = steady_now();
  if (worker_.draining()) fault_ = Fault{Outcome::cut_off, now};
  x_.waits.response_taken(now);
  if (connection_) x_.request_sent += now - x_.response_end;
  const Outcome given_up = std::exchange(x_.outcome, Outcome::pending);
  x_.response_end = kNever;
  call_.gone_by = std::exchange(call_.total_at, kNever);
  if (connection_) {
    phase_ = Phase::waiting;
    co_await receive_head();
    abandon(Outcome::abandoned);
  } else {
    co_await connect_without_client();
    end(fault_.value_or(Fault{given_up, steady_now()}));  // it could be reached, and nothing was sent
  }
  running_on_ = false;
}

// Begins anew, with all of the time to connect: where that fails, the call has failed. Getting no slot is no failure.
Task<void> Forward::connect_without_client() {
  const Time patience = steady_now() + x_.connect_within;
  const bool placed = co_await dial_.acquire_slot([&] { return fault_ || steady_now() >= patience; });
  call_.permitted = x_.begun = connect_started_ = steady_now();  // what was before depended on the client
  if (!placed) co_return;
  phase_ = Phase::connecting;
  arm();
  const Dial::Until when{.time = connect_started_ + x_.connect_within};
  co_await dial(when, [this] { return interrupted(); });
}

void Forward::stop_running_on() {
  if (!running_on_) return;
  cut_off(Outcome::cut_off);
  inbound_.wake_soon(worker_.loop());
}

void Forward::cut_off(Outcome why) {
  if (why == Outcome::client_gone && !has_head_ && inbound_.client.write_blocked()) inbound_.client.reset();
  if (why == Outcome::client_gone && is_given_up(why)) end(why);
  if (why == Outcome::client_gone && (running_on_ || call_.runs_on)) return;
  if (x_.outcome == Outcome::pending && !fault_) fault_ = Fault{why, steady_now()};
  dial_.cancel();
  if (connection_) connection_->channel().close();
}

std::unique_ptr<UpstreamConnection> Forward::take_connection() {
  connection_->channel().buffer().release();
  return std::move(connection_);
}

Task<void> Forward::finish() {
  phase_ = Phase::over;
  due_.disarm();
  if (!connection_) return release_bound_connection(), Task<void>::ended();
  Channel& channel = connection_->channel();
  const bool sent_whole = upload_.state() == Upload::State::idle ? inbound_.body.done() && x_.request_sent != kNever
                                                                 : upload_.state() == Upload::State::complete;
  if (!channel.closed()) channel.buffer().consume(std::exchange(taken_raw_, 0));
  const bool persistent =
      !response_connection_.close && (response_.minor_version >= 1 || response_connection_.keep_alive);
  const bool keep = (x_.outcome == Outcome::complete || read_whole_) && sent_whole && persistent &&
                    body_.kind() != BodyKind::until_close && response_.status != 101;
  if (!keep) channel.close();
  upload_.stop();
  if (upload_.running()) return finish_after_upload(keep);
  part_with_connection(keep);
  return Task<void>::ended();
}

Task<void> Forward::finish_after_upload(bool keep) {
  while (upload_.running()) co_await inbound_.event.wait();
  part_with_connection(keep);
}

void Forward::part_with_connection(bool keep) {
  if (!keep && own_ && !has_head_ && inbound_.connection_bound) inbound_.bound->lose(*upstream_.state);
  if (!keep) return release_bound_connection(), connection_.reset();
  const milliseconds idle = keep_alive();  // the field lies in the buffer
  connection_->channel().buffer().release();
  if (call_.connection_bound) return inbound_.bound->keep(std::move(connection_), endpoint());
  worker_.pool().give_back(std::move(connection_), x_.response_end, idle);
}

// How long the connection may be idle.
milliseconds Forward::keep_alive() const {
  const milliseconds configured = call_.timeouts->keep_alive;
  for (const Field& field : response_.fields) {
    if (field.id != FieldId::keep_alive) continue;
    if (const auto allowed = http::keep_alive_timeout(field.value))
      return std::min(configured, std::max<milliseconds>(*allowed - std::chrono::seconds(1), milliseconds::zero()));
  }
  return configured;
}

// The client connection's own from now on.
void Forward::reserve_bound_connection() {
  if (!inbound_.bound) inbound_.bound = std::make_unique<BoundConnections>(inbound_);
  inbound_.bound->reserve(*connection_, upstream_.state, upstream_.config->limits.max_connections);
}

void Forward::release_bound_connection() {
  if (inbound_.bound) inbound_.bound->release(*upstream_.state);
}

}  // namespace fusewire::proxy
