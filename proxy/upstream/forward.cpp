// SPDX-License-Identifier: Apache-2.0
#include "proxy/upstream/forward.hpp"

#include <algorithm>

#include "filters/connection_field.hpp"
#include "filters/timeout/deadline.hpp"
#include "proxy/net/clock.hpp"
#include "proxy/upstream/host_rewrite.hpp"

namespace fusewire::proxy {
namespace {

constexpr milliseconds kLookAgain{250};  // whether the fault that delays is still there

}  // namespace

Forward::Forward(WorkerContext& worker, Inbound& inbound, Event& news, const Upstream& upstream, std::string_view via,
                 Call& call, Exchange& x, ExchangeFilters filters, StreamSource& streams)
    : worker_(worker),
      inbound_(inbound),
      news_(news),
      upstream_(upstream),
      via_(via),
      call_(call),
      x_(x),
      filters_(filters),
      streams_(streams),
      clock_(worker.deadlines(), call, x, filters, [this] { on_deadline(); }),
      upload_(inbound, worker.loop()) {}

// ------------------------------------------------------------------------------------------------------ a stream

bool Forward::choose_endpoint() {
  if (inbound_.trace != nullptr) x_.span = inbound_.trace->next_span();
  if (streams_.choose_endpoint(x_.begun)) return true;
  x_.client_withheld = true;  // nothing was sent: it says nothing of the upstream
  end(Outcome::reset);
  return false;
}

Task<void> Forward::fetch_head() {
  head_.message.fields = worker_.take_fields();
  sends_from_ = x_.begun;
  if (x_.injected.delays() && x_.outcome == Outcome::pending) {
    co_await hold_back();
    if (x_.outcome == Outcome::pending) x_.request_sent = kNever;
    sends_from_ = steady_now();
  }
  bool again = x_.outcome == Outcome::pending;
  while (again) {
    if (attempts_++ == 0)
      stream_ = x_.injected.aborts() ? inject() : streams_.reuse(sends_from_, call_.timeouts->keep_alive);
    x_.kept_connection = stream_ != nullptr && !x_.injected.aborts();
    if (stream_ == nullptr) co_await connect();
    if (stream_ == nullptr) co_return;
    co_await send();
    co_await receive_head();
    again = !has_head_ && x_.outcome == Outcome::reset && may_try_again();
    if (again) start_over();
  }
}

UpstreamStream* Forward::inject() {
  upstream_.state->cells.of(worker_.index()).aborts_injected.add();
  call_.set(Flag::fault_injected);
  const std::uint16_t abort = x_.injected.abort;
  call_.note(Decision::abort_injected, steady_now(), 0, abort == fault::kReset ? 0 : abort);
  return streams_.inject(abort);
}

// An injected delay. Until it has passed the upstream is as one that has the request and does not answer. With the
// fault it is over, too.
Task<void> Forward::hold_back() {
  if (inbound_.body.done() && x_.request_sent == kNever) x_.request_sent = x_.begun;
  if (!std::exchange(held_back_, true)) {
    upstream_.state->cells.of(worker_.index()).delays_injected.add();
    call_.set(Flag::delay_injected);
    call_.note(Decision::delay_injected, x_.begun, 0, 0, x_.injected.delay_ms);
  }
  const Time until = x_.begun + x_.injected.delay();
  Deadline over(worker_.deadlines(), [this] { news_.set(); });
  clock_.enter(Phase::delayed);
  clock_.arm();
  for (;;) {
    if (interrupted()) break;
    const Time now = steady_now();
    held_back_ = now < until && upstream_.state->faults.view(now).has_value();
    if (!held_back_) co_return;
    over.arm(std::min(until, now + kLookAgain));
    listen_to_client();
    co_await news_.wait();
  }
  attempts_ = 1;
  abort_due_ = std::exchange(x_.injected.abort, std::uint16_t{0});  // it has not come to that
  call_.nothing_sent = x_.nothing_sent = false;
}

// A kept connection that turned out closed (RFC 9112 §9.3.1).
bool Forward::may_try_again() const {
  if (running_on_ || attempts_ > 1 || !stream_->idle_since() || stream_->received_any()) return false;
  if (streams_.needs_this_connection()) return false;
  return upload_.state() == Upload::State::idle && inbound_.body.done() &&
         (stream_->bytes_sent() == 0 || call_.context->request->is_idempotent());
}

void Forward::start_over() {
  upstream_.state->cells.of(worker_.index()).stale_retries.add();
  stream_ = nullptr;
  streams_.discard();
  x_.outcome = Outcome::pending;
  x_.tls_fault = {};
  x_.response_end = kNever;
  x_.client_withheld = x_.stale_connection = false;
}

Task<void> Forward::connect() {
  clock_.begin_connecting(Phase::queueing, steady_now());
  const bool placed = co_await streams_.acquire_slot([this] {
    inbound_.client.listen();
    return clock_.fault() || x_.outcome != Outcome::pending || inbound_.client.gone();
  });
  if (!placed) co_return end(why_no_slot());
  const Time now = steady_now();
  clock_.begin_connecting(Phase::connecting, now);
  const Time until = std::min(now + x_.connect_within, call_.total_at);
  const Dial::Until when{
      .time = until, .limited_by_connect_timeout = until < call_.total_at, .connect_within = x_.connect_within};
  co_await dial(when, [this] {
    inbound_.client.listen();
    return interrupted();
  });
}

Task<void> Forward::dial(const Dial::Until& until, const Dial::GiveUp& give_up) {
  stream_ = co_await streams_.connect(clock_.connect_started(), until, give_up);
  if (const auto held = std::chrono::duration_cast<milliseconds>(streams_.held()).count(); held > 0)
    call_.note(Decision::dial_held, steady_now(), 0, 0, static_cast<std::uint32_t>(held));
  if (stream_ != nullptr) {
    x_.connected = steady_now();
    co_return;
  }
  clock_.enter(Phase::over);
  x_.tls_fault = streams_.tls_fault();
  end(Fault{streams_.failure(), std::min(steady_now(), until.time)});
}

// ------------------------------------------------------------------------------------------------------ the request

RequestHead Forward::request_head() const {
  RequestHead head{.request = *call_.context->request,
                   .connection = inbound_.connection,
                   .peer = inbound_.peer,
                   .via = via_,
                   .request_id = inbound_.request_id,
                   .host = host_sent(inbound_.route->config->host, *call_.context->request, *endpoint()),
                   .deadline_header = call_.timeouts->deadline_header,
                   .deadline_ms = {},
                   .drop_deadline = !call_.context->deadline_trusted,
                   .upgrades = inbound_.upgrades,
                   .trace = inbound_.trace,
                   .span = x_.span,
                   .conditions = call_.conditions};
  if (const auto left = call_.deadline_asked ? remaining_deadline_ms(call_, steady_now()) : std::nullopt)
    head.deadline_ms = static_cast<std::int64_t>(*left);
  return head;
}

Task<void> Forward::send() {
  clock_.enter(Phase::sending);
  clock_.note_progress(sends_from_);
  const UpstreamStream::RequestPiece body{inbound_.buffered_body, inbound_.body.done(), inbound_.body.trailers()};
  if (!stream_->try_send(request_head(), body)) return send_slowly();
  on_sent(call_.context->request->body == BodyKind::none ? x_.begun : steady_now());
  return Task<void>::ended();
}

Task<void> Forward::send_slowly() {
  clock_.begin_blocked_write(steady_now(), stream_->bytes_sent());
  clock_.arm();
  inbound_.client.watch_for_end();
  co_await stream_->flush();
  clock_.end_blocked_write();
  on_sent(steady_now());
}

// What was at hand of the request is through, or failed.
void Forward::on_sent(Time now) {
  clock_.note_progress(now);
  if (stream_->bytes_sent() != 0) call_.nothing_sent = x_.nothing_sent = false;
  if (inbound_.body.done()) {
    const Time::duration delayed = sends_from_ - x_.begun;
    x_.request_sent = call_.context->request->body == BodyKind::none ? x_.begun : now - delayed;
    return clock_.enter(Phase::waiting);
  }
  call_.nothing_sent = x_.nothing_sent = false;  // a part of the body is used up, and can't be sent elsewhere
  inbound_.client.consume_body();
  inbound_.buffered_body = {};
  if (stream_->write_failed()) return;  // perhaps it has answered early: the read will tell
  x_.waits.upload_begins(steady_now());
  upload_.start(*stream_, inbound_.body.decoded() == 0 && expects_continue(),
                [this](Upload::Progress progress, Time at, std::size_t bytes) { on_upload(progress, at, bytes); });
}

// RFC 9110 §10.1.1. An expectation that ends at this hop is none.
bool Forward::expects_continue() const {
  const Request& request = *call_.context->request;
  const auto expectation = request.fields.find("expect");
  const bool ends_here = inbound_.connection.names_fields && named_by_connection(request.fields, "expect");
  return expectation && iequals(*expectation, "100-continue") && request.minor_version >= 1 && !ends_here;
}

void Forward::on_upload(Upload::Progress progress, Time now, std::size_t bytes) {
  switch (progress) {
    case Upload::Progress::starved:
      if (inbound_.body.decoded() == 0 && expects_continue()) clock_.await_continue(now);
      return clock_.upload_waits(now);
    case Upload::Progress::fed:
      return clock_.upload_came(bytes, now);
    case Upload::Progress::blocked:
      return clock_.upload_blocked(now, stream_->bytes_sent());
    case Upload::Progress::sent:
      return clock_.upload_sent(now, inbound_.body.done());
  }
}

// ------------------------------------------------------------------------------------------------------ the response

void Forward::listen_to_client() {
  if (!upload_.running() && !running_on_) inbound_.client.listen();
}

Task<void> Forward::receive_head() {
  clock_.arm();
  while (x_.outcome == Outcome::pending) {
    const UpstreamStream::HeadRead read = stream_->read_head(head_);
    if (read == UpstreamStream::HeadRead::final) co_return take_head();
    if (read == UpstreamStream::HeadRead::malformed) co_return refuse(stream_->malformed());
    if (read == UpstreamStream::HeadRead::interim) {
      holds_interim_ = runs_beside_ && relays_interim();
      if (holds_interim_) co_return;
      co_await relay_interim();
      continue;
    }
    if (read == UpstreamStream::HeadRead::ended) {
      const Time now = steady_now();
      x_.stale_connection = is_stale(now);
      x_.tls_fault = stream_->tls_fault();
      co_return end(clock_.fault().value_or(Fault{Outcome::reset, now}));
    }
    if (interrupted()) co_return;
    stream_->listen();
    listen_to_client();
    co_await news_.wait();
  }
}

Task<void> Forward::fetch_rest() {
  runs_beside_ = false;
  if (!std::exchange(holds_interim_, false) || x_.outcome != Outcome::pending) co_return;
  co_await relay_interim();
  co_await receive_head();
}

void Forward::take_head() {
  has_head_ = true;
  clock_.end_await_continue();
  call_.connection_bound = call_.connection_bound || head_.connection_bound;
  if (call_.connection_bound && !head_.connection.close) streams_.bind_to_client();
  x_.response = &head_.message;
  x_.upstream_status = head_.message.status;
  x_.response_head = steady_now();
  clock_.note_progress(x_.response_head);
  filters_.on_head(call_, x_.response_head);
  x_.answered_stall = x_.waits.withholds_upload(x_.response_head);
  clock_.enter(Phase::relaying);
  if (head_.ends_response) end(Outcome::complete);
  clock_.arm();
}

Task<void> Forward::relay_interim() {
  call_.connection_bound = call_.connection_bound || head_.connection_bound;
  if (clock_.awaits_continue() && head_.message.status == 100) {
    clock_.end_await_continue();
    inbound_.client.wait_for_body(steady_now());  // its time begins when it may send
  }
  if (!relays_interim()) co_return;
  call_.interim_sent = true;
  Scratch scratch(worker_.scratch());
  append_interim_head(*scratch, head_.message, head_.connection);
  Gather gather;
  gather.add(*scratch);
  if (inbound_.client.try_write(gather)) co_return;
  client_waits();
  filters_.on_client_stalled();  // others are not to wait with it
  co_await inbound_.client.flush(gather);
  client_took();
}

// Whether the upstream has closed a kept connection for its age, when the request was on its way: it had been idle for
// long and ends at once, or its kernel has acknowledged none of the request. One that is reset, or closed, behind a
// request that has been taken is another matter.
bool Forward::is_stale(Time now) const {
  constexpr std::chrono::seconds kLong{1};
  constexpr milliseconds kAtOnce{100};
  const std::optional<Time> idle_since = stream_->idle_since();
  if (!idle_since || stream_->received_any()) return false;
  if (sends_from_ - *idle_since >= kLong) return now - sends_from_ < kAtOnce;
  return stream_->ended_unprocessed();
}

std::string_view Forward::next_piece() {
  if (!set_aside_.empty()) return std::exchange(set_aside_, {});
  if (x_.outcome != Outcome::pending) return {};
  std::string_view piece;
  const UpstreamStream::BodyRead read = stream_->read_body(piece);
  if (read == UpstreamStream::BodyRead::last)
    end(Outcome::complete);
  else if (read == UpstreamStream::BodyRead::malformed)
    refuse(stream_->malformed());
  else if (read == UpstreamStream::BodyRead::broken)
    end(clock_.fault().value_or(Fault{Outcome::incomplete, steady_now()}));
  return piece;
}

Task<void> Forward::wait() {
  stream_->consume_body();
  clock_.note_progress(steady_now());
  clock_.enter(Phase::body);
  clock_.arm();
  while (!stream_->has_news()) {
    if (interrupted()) co_return;
    stream_->listen();
    listen_to_client();
    co_await news_.wait();
  }
  clock_.enter(Phase::relaying);
}

}  // namespace fusewire::proxy
