// SPDX-License-Identifier: Apache-2.0
#include "proxy/upstream/exchange_clock.hpp"

#include <algorithm>
#include <utility>

namespace fusewire::proxy {

// ------------------------------------------------------------------------------------------------------ phases

void ExchangeClock::begin_connecting(Phase phase, Time now) {
  phase_ = phase;
  connect_started_ = now;
  arm();
}

void ExchangeClock::begin_blocked_write(Time now, std::uint64_t sent) {
  blocked_ = sent;
  last_progress_ = now;
}

// The request's total time stands still while its body makes progress; once, where two attempts send it.
void ExchangeClock::body_moved(Time now) {
  now = std::max(now, last_progress_);  // a deadline measures by the time of the loop's look
  if (call_.total_at != kNever && call_.exchange == &x_) call_.total_at += now - last_progress_;
  last_progress_ = now;
}

// ------------------------------------------------------------------------------------------------------ the client

void ExchangeClock::upload_waits(Time now) {
  x_.waits.upload_waits(now);
  arm_earlier();
}

void ExchangeClock::upload_came(std::size_t bytes, Time now) {
  x_.waits.upload_came(bytes, now);
  end_await_continue();
  body_moved(now);
}

void ExchangeClock::upload_blocked(Time now, std::uint64_t sent) {
  end_await_continue();
  body_moved(now);
  begin_blocked_write(now, sent);
  arm();
}

void ExchangeClock::upload_sent(Time now, bool whole) {
  end_await_continue();
  body_moved(now);
  end_blocked_write();
  if (!whole) return;
  x_.waits.request_sent(now);
  x_.request_sent = now;
  filters_.on_sent(now);
  if (phase_ != Phase::sending) return;
  phase_ = Phase::waiting;
  arm();
}

void ExchangeClock::response_waits(Time now) {
  x_.waits.response_waits(now);
  arm_earlier();
}

void ExchangeClock::response_taken(Time now) {
  x_.waits.response_taken(now);
  arm();
}

// ------------------------------------------------------------------------------------------------------ what is due

void ExchangeClock::arm() {
  const Time due = x_.outcome == Outcome::pending ? filters_.next_due(call_) : kNever;
  due_.arm(fault_ ? kNever : std::min(due, next_timeout().at));
}

void ExchangeClock::arm_earlier() {
  if (filters_.next_due(call_) < due_.due()) arm();
}

// Filters are notified of their due time here, not by the coroutine, which a slow client may hold up. An upstream that
// takes a part of a large write makes progress, too; nobody hears of it before it has taken all.
void ExchangeClock::tick(Time now, std::optional<std::uint64_t> sent) {
  if (blocked_ && sent && std::exchange(*blocked_, *sent) != *sent) body_moved(now);
  if (filters_.next_due(call_) <= now) filters_.on_due(call_, now);
}

ExchangeClock::Fault ExchangeClock::next_timeout() const {
  if (x_.outcome != Outcome::pending) return {};
  const Fault phase = timeout_of_phase();
  if (x_.response_head != kNever || phase_ == Phase::over || phase.at < call_.total_at) return phase;
  return {Outcome::total_timeout, call_.total_at};
}

ExchangeClock::Fault ExchangeClock::timeout_of_phase() const {
  switch (phase_) {
    case Phase::queueing:
    case Phase::connecting:
      return {Outcome::connect_timeout, connect_started_ + x_.connect_within};
    case Phase::delayed:
      return {Outcome::response_timeout, (x_.request_sent == kNever ? x_.begun : x_.request_sent) + x_.response_within};
    case Phase::sending:  // only the upstream's time is limited here, not the client's
      if (awaits_continue()) return {Outcome::response_timeout, continue_awaited_ + x_.response_within};
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

}  // namespace fusewire::proxy
