// SPDX-License-Identifier: Apache-2.0
// What ends an exchange although its upstream says nothing: time, and its client.
#include <algorithm>

#include "proxy/net/clock.hpp"
#include "proxy/upstream/forward.hpp"

namespace fusewire::proxy {

// ------------------------------------------------------------------------------------------------------ time

// Filters are notified of their due time here, not by the coroutine, which a slow client may hold up.
void Forward::on_deadline() {
  const Time now = steady_now();
  look_at_blocked_write(now);
  if (chain_.next_due(call_) <= now) chain_.on_due(call_, now);
  if (const Fault timeout = next_timeout(); timeout.at <= now && !fault_) {
    fault_ = timeout;
    if (connection_ && connection_->channel().write_blocked()) connection_->channel().close();
    if (!has_head_ && inbound_.client.write_blocked()) inbound_.client.reset();  // blocked by a 1xx
  }
  arm();
  if (fault_) inbound_.event.set();
}

// The timeout that comes first; its time is kNever where none can.
Forward::Fault Forward::next_timeout() const {
  if (x_.outcome != Outcome::pending) return {};
  const Fault phase = timeout_of_phase();
  if (has_head_ || phase_ == Phase::over || phase.at < call_.total_at) return phase;
  return {total_passed(), call_.total_at};
}

Forward::Fault Forward::timeout_of_phase() const {
  switch (phase_) {
    case Phase::connecting:
      return {dial_.is_resolving() ? Outcome::dns_timeout : Outcome::connect_timeout,
              connect_started_ + x_.connect_within};
    case Phase::sending:  // only the upstream's time is limited here, not the client's
      return {Outcome::idle_timeout, blocked_ ? last_progress_ + x_.idle_within : kNever};
    case Phase::waiting:  // which a client that takes no 1xx makes longer
      return {Outcome::response_timeout,
              x_.waits.waiting() ? kNever : x_.request_sent + x_.response_within + x_.waits.since_sent()};
    case Phase::body:
      return {Outcome::idle_timeout, last_progress_ + x_.idle_within};
    case Phase::relaying:
    case Phase::over:
      break;
  }
  return {};
}

// Whose doing it is. While the request is not even there, it is its sender who is late.
Outcome Forward::total_passed() const {
  if (inbound_.client.write_blocked()) return Outcome::client_gone;
  return upload_.running() && x_.request_sent == kNever && !blocked_ ? Outcome::client_fault : Outcome::total_timeout;
}

void Forward::arm() {
  const Time due = x_.outcome == Outcome::pending ? chain_.next_due(call_) : kNever;
  due_.arm(fault_ ? kNever : std::min(due, next_timeout().at));
}

// ------------------------------------------------------------------------------------------------------ the request's
// body

void Forward::on_upload(Upload::Progress progress, Time now, std::size_t bytes) {
  switch (progress) {
    case Upload::Progress::starved:
      x_.waits.upload_waits(now);
      if (chain_.next_due(call_) < due_.due()) arm();
      return;
    case Upload::Progress::fed:
      x_.waits.upload_came(bytes, now);
      return body_moved(now);
    case Upload::Progress::blocked:
      body_moved(now);
      begin_blocked_write(now);
      return arm();
    case Upload::Progress::sent:
      body_moved(now);
      blocked_ = false;
      if (!inbound_.body.done()) return;
      x_.waits.request_sent(now);
      x_.request_sent = now;
      if (phase_ != Phase::sending) return;
      phase_ = Phase::waiting;
      return arm();
  }
}

// The request's total time stands still while its body makes progress.
void Forward::body_moved(Time now) {
  if (call_.total_at != kNever) call_.total_at += now - last_progress_;
  last_progress_ = now;
}

void Forward::begin_blocked_write(Time now) {
  blocked_ = true;
  last_progress_ = now;
  blocked_written_ = connection_->channel().bytes_written();
}

// An upstream that takes a part of a large write makes progress, too; nobody hears of it before it has taken all.
void Forward::look_at_blocked_write(Time now) {
  if (!blocked_ || !connection_) return;
  const std::uint64_t written = connection_->channel().bytes_written();
  if (std::exchange(blocked_written_, written) != written) body_moved(now);
}

// ------------------------------------------------------------------------------------------------------ the client

void Forward::client_waits() {
  if (x_.outcome != Outcome::pending) return;
  x_.waits.response_waits(steady_now());
  if (chain_.next_due(call_) < due_.due()) arm();
}

void Forward::client_took() {
  if (x_.outcome != Outcome::pending) return;
  x_.waits.response_taken(steady_now());
  arm();
}

// Whether the exchange must end although the upstream has said nothing new; sets x.outcome then.
bool Forward::interrupted() {
  if (fault_) {
    end(*fault_);
    return true;
  }
  if (running_on_) return false;
  switch (upload_.state()) {
    case Upload::State::client_gone:
      end(Outcome::client_gone);
      return true;
    case Upload::State::client_late:
    case Upload::State::client_malformed:
    case Upload::State::too_large:
      end(Outcome::client_fault);
      return true;
    default:
      break;
  }
  if (inbound_.client.closed() || (!upload_.running() && inbound_.client.gone())) {
    end(Outcome::client_gone);
    return true;
  }
  return false;
}

}  // namespace fusewire::proxy
