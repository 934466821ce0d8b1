// SPDX-License-Identifier: Apache-2.0
// What ends an exchange although its upstream says nothing: time, and its client.
#include "proxy/forward.hpp"

namespace fusewire::proxy {

namespace {

Time steady_now() { return std::chrono::steady_clock::now(); }

}  // namespace

// Filters are told of their time here, and not by the coroutine, which may be held up by a slow client.
void Forward::on_deadline() {
  const Time now = steady_now();
  if (chain_.next_due(x_) <= now) chain_.on_due(x_, now);
  if (x_.outcome == Outcome::pending && !fault_) {
    fault_ = passed(now);
    if (fault_ && connection_ && connection_->channel().write_blocked()) connection_->channel().close();
    if (fault_ && !has_head_ && inbound_.channel.write_blocked()) inbound_.channel.reset();  // held up by a 1xx
  }
  arm();
  if (fault_) inbound_.event.set();
}

std::optional<Outcome> Forward::passed(Time now) const {
  const bool held_up = connection_ && connection_->channel().write_blocked();
  if (!has_head_ && now >= x_.total_at)  // while the request is not even there, it is its sender who is late
    return upload_.running() && x_.request_sent == kNever && !held_up ? Outcome::client_fault : Outcome::total_timeout;
  switch (phase_) {
    case Phase::connecting:
      if (now >= connect_started_ + x_.connect_within)
        return dial_.is_resolving() ? Outcome::dns_timeout : Outcome::connect_timeout;
      break;
    case Phase::sending:
      if (now >= last_progress_ + x_.idle_within && held_up) return Outcome::idle_timeout;
      break;
    case Phase::waiting:
      if (now >= x_.request_sent + x_.response_within) return Outcome::response_timeout;
      break;
    case Phase::body:
      if (now >= last_progress_ + x_.idle_within) return Outcome::idle_timeout;
      break;
    case Phase::relaying:
    case Phase::over:
      break;
  }
  return std::nullopt;
}

void Forward::arm() {
  Time due = x_.outcome == Outcome::pending ? chain_.next_due(x_) : kNever;
  if (!has_head_ && phase_ != Phase::over) due = std::min(due, x_.total_at);
  switch (phase_) {
    case Phase::connecting:
      due = std::min(due, connect_started_ + x_.connect_within);
      break;
    case Phase::sending: {  // only the upstream's time is limited here, not the client's
      const bool held_up = connection_ && connection_->channel().write_blocked();
      due = std::min(due, (held_up ? last_progress_ : std::max(last_progress_, steady_now())) + x_.idle_within);
      break;
    }
    case Phase::waiting:
      due = std::min(due, x_.request_sent + x_.response_within);
      break;
    case Phase::body:
      due = std::min(due, last_progress_ + x_.idle_within);
      break;
    case Phase::relaying:
    case Phase::over:
      break;
  }
  due_.arm(fault_ ? kNever : due);
}

// Whether the exchange must end although the upstream has said nothing new; sets x.outcome then.
bool Forward::interrupted() {
  if (fault_) {
    end(*fault_);
    return true;
  }
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
  if (inbound_.channel.closed() || (!upload_.running() && inbound_.gone())) {
    end(Outcome::client_gone);
    return true;
  }
  return false;
}

}  // namespace fusewire::proxy
