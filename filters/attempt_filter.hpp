// SPDX-License-Identifier: Apache-2.0
// The contract of an attempt's filter. It lives as long as one attempt, on the call's thread, and never waits. It goes
// by the attempt's own exchange, which call.exchange need not be: a call may have two attempts at a time
// (retries.hedge).
//
//   on_endpoint  once, when the endpoint has been chosen and before anything is sent to it. Proceed: the request goes
//                there. An Answer: the reply stands for the endpoint's, and nothing was sent to it.
//   on_sent      the request has been sent, where its body came piece by piece.
//   on_head      the response's head is there.
//   on_due       when next_due() has come; the attempt may still be waiting for the endpoint.
//   on_done      once, noexcept, where on_endpoint was called: the endpoint's part is over, and x.outcome says how. It
//                comes before the call's own on_done, and before the next attempt. Where the call runs on
//                (runs_on_until, as in call_filter.hpp), on_verdict follows.
#pragma once

#include <concepts>
#include <optional>

#include "filters/call.hpp"
#include "filters/reply.hpp"
#include "filters/step.hpp"

namespace fusewire {

template <class F>
concept AttemptFilter = requires(F filter, const F& constant, const Call& call, Exchange& x, Reply& reply, Time now) {
  { filter.on_endpoint(call, x, reply, now) } -> std::same_as<Step>;
  { filter.on_sent(now) } -> std::same_as<void>;
  { filter.on_head(call, x, now) } -> std::same_as<void>;
  { filter.on_due(call, x, now) } -> std::same_as<void>;
  { constant.next_due(call, x) } -> std::same_as<Time>;
  { constant.is_trial() } -> std::same_as<bool>;
  { filter.runs_on_until(call, x, now) } -> std::same_as<std::optional<Time>>;
  { filter.on_verdict(call, x, now) } -> std::same_as<void>;
  { filter.on_done(call, x, now) } -> std::same_as<void>;
  requires noexcept(filter.on_done(call, x, now))&& noexcept(filter.on_verdict(call, x, now));
};

// What most filters do in most attempts.
struct PassAttempt {
  Step on_endpoint(const Call&, Exchange&, Reply&, Time) { return Proceed{}; }
  void on_sent(Time) {}
  void on_head(const Call&, const Exchange&, Time) {}
  void on_due(const Call&, const Exchange&, Time) {}
  Time next_due(const Call&, const Exchange&) const { return kNever; }
  // Of a half-open breaker.
  bool is_trial() const noexcept { return false; }
  std::optional<Time> runs_on_until(const Call&, const Exchange&, Time) noexcept { return std::nullopt; }
  void on_verdict(const Call&, const Exchange&, Time) noexcept {}
  void on_done(const Call&, const Exchange&, Time) noexcept {}
};

}  // namespace fusewire
