// SPDX-License-Identifier: Apache-2.0
// How an exchange ends: by time, by its client, by its attempt; what goes on without a client; what becomes of the
// stream.
#include <algorithm>

#include "proxy/net/clock.hpp"
#include "proxy/observe/log.hpp"
#include "proxy/upstream/forward.hpp"

namespace fusewire::proxy {

void Forward::end(Outcome outcome) { end(Fault{outcome, steady_now()}); }

void Forward::end(const Fault& fault) {
  if (x_.outcome != Outcome::pending) return;
  runs_on_until_.reset();
  if (is_given_up(fault.outcome) && !worker_.draining()) runs_on_until_ = filters_.runs_on_until(call_, fault.at);
  if (runs_on_until_ != kNever && keeps_scarce_connection()) runs_on_until_.reset();
  const bool goes_on = runs_on_until_.has_value();
  if (call_.exchange == &x_) call_.runs_on = goes_on;
  x_.outcome = fault.outcome;
  x_.response_end = fault.at;
  clock_.enter(Phase::over);
  streams_.cancel_connect();
  x_.was_moving = clock_.last_progress() != kNever && fault.at - clock_.last_progress() < ClientWaits::kPatience;
  if (fault.outcome == Outcome::complete) return;
  const bool is_late = fault.outcome == Outcome::response_timeout || fault.outcome == Outcome::total_timeout;
  x_.client_withheld = x_.client_withheld || x_.waits.withheld(fault.at) ||
                       (is_late && clock_.awaits_continue());  // on purpose, perhaps
  if (stream_ != nullptr && !goes_on) stream_->cancel();
}

// Whether only the client's end, or its own deadline, keeps the upstream from answering.
bool Forward::is_given_up(Outcome outcome) const {
  const bool owes_answer =
      clock_.phase() == Phase::waiting || clock_.phase() == Phase::connecting || clock_.phase() == Phase::delayed;
  if (!owes_answer || has_head_ || running_on_ || runs_beside_ || call_.exchange != &x_) return false;
  return outcome == Outcome::client_gone || (outcome == Outcome::total_timeout && call_.short_deadline);
}

// Its session counts among its listener's connections as long as it lasts. A trial is worth that everywhere.
bool Forward::keeps_scarce_connection() const {
  constexpr std::uint32_t kFew = 64;
  return inbound_.limits != nullptr && inbound_.limits->max_connections < kFew;
}

// The response is malformed, and that is said: in the answer, where one is still to be given, and in the log.
void Forward::refuse(std::string_view malformed) {
  if (x_.outcome != Outcome::pending) return;
  x_.malformed = malformed;
  end(Outcome::protocol_error);
  if (!worker_.malformed_complaints().pass(x_.response_end)) return;
  log::warn("an upstream sent a malformed response", {{"upstream", upstream_.config->name},
                                                      {"endpoint", endpoint()->url},
                                                      {"reason", malformed},
                                                      {"request_id", inbound_.request_id}});
}

Outcome Forward::why_no_slot() const {
  if (clock_.fault() && is_forsaken(clock_.fault()->outcome)) return clock_.fault()->outcome;
  return inbound_.client.gone() ? Outcome::client_gone : Outcome::overload;
}

// ------------------------------------------------------------------------------------------------------ time

void Forward::on_deadline() {
  const Time now = worker_.deadlines().ticked();
  clock_.tick(now, stream_ == nullptr ? std::nullopt : std::optional(stream_->bytes_sent()));
  if (const Fault timeout = clock_.next_timeout(); timeout.at <= now && !clock_.fault()) {
    clock_.fail({blame(timeout.outcome), timeout.at});
    if (stream_ != nullptr && stream_->write_blocked()) stream_->cancel();
    if (!has_head_ && inbound_.client.write_blocked()) inbound_.client.reset();  // blocked by a 1xx
  }
  clock_.arm();
  if (clock_.fault()) news_.set();
}

// Whose doing a timeout is. While the request is not even there, it is its sender who is late.
Outcome Forward::blame(Outcome timeout) const {
  if (timeout == Outcome::connect_timeout && streams_.is_resolving()) return Outcome::dns_timeout;
  if (timeout != Outcome::total_timeout) return timeout;
  if (inbound_.client.write_blocked()) return Outcome::client_gone;
  const bool is_incomplete =
      upload_.running() && x_.request_sent == kNever && !clock_.has_blocked_write() && !clock_.awaits_continue();
  return is_incomplete ? Outcome::client_fault : Outcome::total_timeout;
}

// ------------------------------------------------------------------------------------------------------ the client

void Forward::client_waits() {
  if (x_.outcome == Outcome::pending) clock_.response_waits(steady_now());
}

void Forward::client_took() {
  if (x_.outcome == Outcome::pending) clock_.response_taken(steady_now());
}

// Whether the exchange must end although the upstream has said nothing new; sets x.outcome then.
bool Forward::interrupted() {
  if (x_.outcome != Outcome::pending) return true;
  if (clock_.fault()) {
    end(*clock_.fault());
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

// ------------------------------------------------------------------------------------------------------ the attempt

// A body whose rest is at hand leaves its connection good for the next request. It is abandoned all the same: filters
// have not seen that rest.
void Forward::abandon(Outcome outcome) {
  if (x_.outcome != Outcome::pending) return;
  if (has_head_) set_aside_ = next_piece();
  if (x_.outcome == Outcome::complete) x_.outcome = outcome;
  end(clock_.fault().value_or(Fault{outcome, steady_now()}));
}

void Forward::suspend() {
  clock_.disarm();
  if (x_.outcome != Outcome::pending) return;
  suspended_ = true;
  x_.outcome = Outcome::abandoned;
  x_.response_end = steady_now();
}

void Forward::resume() {
  if (!std::exchange(suspended_, false)) return;
  x_.outcome = Outcome::pending;
  x_.response_end = kNever;
}

// The time in which the client took its own answer, while nobody listened to the upstream, is not the upstream's.
Task<void> Forward::run_on() {
  running_on_ = true;
  clock_.forget_fault();
  const Time now = steady_now();
  if (worker_.draining()) clock_.fail({Outcome::cut_off, now});
  x_.waits.response_taken(now);
  const Time until = *std::exchange(runs_on_until_, std::nullopt);
  const Time::duration meanwhile = now - x_.response_end;
  if (x_.request_sent != kNever) x_.request_sent += meanwhile;
  const Outcome given_up = std::exchange(x_.outcome, Outcome::pending);
  x_.response_end = kNever;
  call_.gone_by = std::exchange(call_.total_at, until == kNever ? kNever : until + meanwhile);
  if (stream_ != nullptr) {
    clock_.enter(Phase::waiting);
    co_await receive_head();
    abandon(Outcome::abandoned);
  } else {
    if (held_back_) {
      co_await go_on_held_back();
    } else {
      co_await connect_without_client();
    }
    end(clock_.fault().value_or(Fault{given_up, steady_now()}));  // it could be reached, and nothing was sent
  }
  running_on_ = false;
  if (x_.outcome == Outcome::total_timeout) x_.outcome = given_up;  // as long as it was worth while
}

// Begins anew, with all of the time to connect: where that fails, the call has failed. Getting no slot is no failure.
Task<void> Forward::connect_without_client() {
  const Time patience = steady_now() + x_.connect_within;
  const bool placed = co_await streams_.acquire_slot([&] { return clock_.fault() || steady_now() >= patience; });
  const Time before = std::exchange(x_.begun, steady_now());
  call_.permitted = x_.begun;  // what was before depended on the client
  x_.request_sent = kNever;
  if (call_.total_at != kNever) call_.total_at += x_.begun - before;
  if (!placed) co_return;
  clock_.begin_connecting(Phase::connecting, x_.begun);
  const Time connected_by = x_.begun + x_.connect_within;
  const Dial::Until when{.time = std::min(connected_by, call_.total_at),
                         .limited_by_connect_timeout = connected_by <= call_.total_at,
                         .connect_within = x_.connect_within};
  co_await dial(when, [this] { return interrupted(); });
}

// Behind the rest of an injected delay nothing is sent any more.
Task<void> Forward::go_on_held_back() {
  co_await hold_back();
  if (x_.outcome != Outcome::pending) co_return;
  if (abort_due_ == 0) co_return co_await connect_without_client();
  x_.injected.abort = abort_due_;
  if (x_.request_sent == kNever) x_.request_sent = x_.begun;  // its body was on its way
  stream_ = inject();
  clock_.enter(Phase::waiting);
  co_await receive_head();
  abandon(Outcome::abandoned);
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
  if (x_.outcome == Outcome::pending || suspended_) clock_.fail({why, steady_now()});
  streams_.cancel_connect();
  if (stream_ != nullptr) stream_->cancel();
}

std::unique_ptr<UpstreamConnection> Forward::take_connection() {
  stream_ = nullptr;
  return streams_.take_connection();
}

Task<void> Forward::finish() {
  clock_.enter(Phase::over);
  clock_.disarm();
  const bool reusable = stream_ != nullptr && stream_->finish();
  upload_.stop();
  if (upload_.running()) return finish_after_upload(reusable);
  part_with_stream(reusable);
  return Task<void>::ended();
}

Task<void> Forward::finish_after_upload(bool reusable) {
  while (upload_.running()) co_await news_.wait();
  part_with_stream(reusable);
}

void Forward::part_with_stream(bool reusable) {
  stream_ = nullptr;
  streams_.finish({.reusable = reusable,
                   .answered = has_head_,
                   .bound = call_.connection_bound && call_.exchange == &x_,
                   .at = x_.response_end,
                   .keep_alive = call_.timeouts->keep_alive});
}

}  // namespace fusewire::proxy
