// SPDX-License-Identifier: Apache-2.0
// The times of one exchange: which part of it goes on, since when nothing has moved, and what falls due next.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>

#include "filters/exchange_filters.hpp"
#include "proxy/net/deadlines.hpp"

namespace fusewire::proxy {

// A part of its forward, which says what happens; on its thread. It enforces what the filters have decided
// (call.total_at, x.…_within), has filters hear of their own due times, and keeps x.waits and x.request_sent. It does
// not end the exchange: `on_due` looks at next_timeout(), and the coroutine at fault(). Invariant: after a fault
// nothing falls due any more.
class ExchangeClock {
 public:
  enum class Phase : std::uint8_t {
    queueing,  // for a slot, if there is no connection
    connecting,
    delayed,  // by a fault: nothing has been sent, and for all that is known the upstream has it
    sending,
    waiting,  // for the response's head
    body,
    relaying,  // the upstream owes nothing, a piece is on its way to the client
    over,
  };
  // What ends the exchange and when, which for a timeout is the time that it was due.
  struct Fault {
    Outcome outcome = Outcome::pending;
    Time at = kNever;
  };

  // `on_due` runs from the wheel when something is due; it calls tick() and arm().
  ExchangeClock(DeadlineWheel& wheel, Call& call, Exchange& x, ExchangeFilters filters, std::function<void()> on_due)
      : call_(call), x_(x), filters_(filters), due_(wheel, std::move(on_due)) {}

  // ------ phases; arm() where something may fall due earlier than before
  Phase phase() const { return phase_; }
  void enter(Phase phase) { phase_ = phase; }
  void begin_connecting(Phase, Time now);  // queueing or connecting
  Time connect_started() const { return connect_started_; }
  // Progress that does not move the request's deadline.
  void note_progress(Time now) { last_progress_ = now; }
  Time last_progress() const { return last_progress_; }
  // A write to the upstream waits, of a request of which so much has been sent; and has ended.
  void begin_blocked_write(Time now, std::uint64_t sent);
  void end_blocked_write() { blocked_.reset(); }
  bool has_blocked_write() const { return blocked_.has_value(); }

  // The client waits for an interim response before it sends its body (Expect: 100-continue), and the upstream has had
  // the head since then: an answer of some kind is due. It ends with whatever comes of either side.
  void await_continue(Time now) { continue_awaited_ = now; }
  void end_await_continue() { continue_awaited_ = kNever; }
  bool awaits_continue() const { return continue_awaited_ != kNever; }

  // ------ the client keeps the upstream waiting, or does so no longer
  void upload_waits(Time now);
  void upload_came(std::size_t bytes, Time now);
  void upload_blocked(Time now, std::uint64_t sent);
  void upload_sent(Time now, bool whole);
  void response_waits(Time now);
  void response_taken(Time now);

  // ------ what is due
  void arm();
  void disarm() { due_.disarm(); }
  // Filters hear of what is due to them. `sent`: as far as is known, where a write is blocked.
  void tick(Time now, std::optional<std::uint64_t> sent);
  // The timeout that comes first; its time is kNever where none can.
  Fault next_timeout() const;

  // A deadline has passed, or the exchange was cut off: the first of them counts.
  void fail(const Fault& fault) {
    if (!fault_) fault_ = fault;
  }
  const std::optional<Fault>& fault() const { return fault_; }
  void forget_fault() { fault_.reset(); }

 private:
  Fault timeout_of_phase() const;
  void arm_earlier();
  void body_moved(Time now);

  Call& call_;
  Exchange& x_;
  ExchangeFilters filters_;
  Deadline due_;
  Time connect_started_ = kNever;
  Time last_progress_ = kNever;
  Time continue_awaited_ = kNever;
  std::optional<std::uint64_t> blocked_;  // what had been sent when a write began to wait, or last went on
  std::optional<Fault> fault_;
  Phase phase_ = Phase::queueing;
};

}  // namespace fusewire::proxy
