// SPDX-License-Identifier: Apache-2.0
// The contract of a call's filter. It is a small object that lives as long as one call, on the call's thread. It
// decides and never waits; what takes time it asks of the call's driver, by the Step that it returns (step.hpp).
//
// Order of calls, for every filter of the chain in the chain's order, on the way in *and* on the way out (the breaker
// must judge what truly happened before the fallback, last, dresses it up):
//
//   on_request   once, and again after each Wait. An Answer, with the reply filled in, ends the walk: the filters
//   behind
//                it are not asked, and nothing is sent upstream.
//   on_reply     once for each reply that is about to go out (the upstream's head, a filter's own reply, a problem); a
//                filter may replace it. The outcome is final unless the upstream's body still flows. An Ask ends the
//                walk. What another upstream has answered is not shown again.
//   on_result    after the filter's Ask for another upstream: whether that has answered. If not, the reply is the one
//                that stood before.
//   on_body      for each piece of the upstream's relayed body, before it goes to the client. Not after a replacement,
//                and not of a response that was put aside for another upstream: on_done has been called by then.
//   on_due       when next_due() has come; the call may still be waiting for the upstream.
//   on_silence   when hedge_at() has come and there is no response's head: an Ask has one more attempt made beside the
//   one
//                that runs. The first of the two whose answer is_good() is the call's; the other is `superseded`. One
//                that fails while the other runs is over, and nothing here hears of it.
//   on_client_stalled  the client takes its answer slowly: nobody else is to wait for this call any longer.
//   on_done      exactly once, noexcept: the upstream's part is over, and the outcome says how. It comes before the
//   last bytes
//                of the response go to the client, so that a client that reads them finds the verdict already recorded.
//                A response that is put aside for another upstream is `abandoned`; where the call runs on
//                (runs_on_until), on_verdict follows.
//   on_released  noexcept: its connection and all it had of its upstream are for others from now on. After on_done, and
//                later than that where the call runs on, or its response was put aside for another upstream.
#pragma once

#include <concepts>
#include <optional>
#include <string_view>

#include "filters/call.hpp"
#include "filters/reply.hpp"
#include "filters/step.hpp"

namespace fusewire {

template <class F>
concept CallFilter = requires(F filter, const F& constant, Call& call, const Call& seen, Reply& reply,
                              std::string_view piece, FallbackResult result, int status, Time now) {
  { filter.on_request(call, reply, now) } -> std::same_as<Step>;
  { filter.on_reply(call, reply, now) } -> std::same_as<Step>;
  { filter.on_result(call, reply, result, now) } -> std::same_as<Step>;
  { filter.on_body(call, piece) } -> std::same_as<void>;
  { filter.on_due(call, now) } -> std::same_as<void>;
  { constant.next_due(seen) } -> std::same_as<Time>;
  { constant.hedge_at(seen) } -> std::same_as<Time>;
  { filter.on_silence(call, now) } -> std::same_as<Step>;
  { constant.is_good(seen, status) } -> std::same_as<bool>;
  { filter.on_client_stalled() } -> std::same_as<void>;
  { constant.needs_body() } -> std::same_as<bool>;
  { filter.runs_on_until(seen, now) } -> std::same_as<std::optional<Time>>;
  { filter.on_verdict(call, now) } -> std::same_as<void>;
  { filter.on_done(call, now) } -> std::same_as<void>;
  { filter.on_released() } -> std::same_as<void>;
  requires noexcept(filter.on_done(call, now))&& noexcept(filter.on_verdict(call, now));
};

// What most filters do in most calls.
struct PassThrough {
  Step on_request(Call&, Reply&, Time) { return Proceed{}; }
  Step on_reply(Call&, Reply&, Time) { return Proceed{}; }
  Step on_result(Call&, Reply&, FallbackResult, Time) { return Proceed{}; }
  void on_body(Call&, std::string_view) {}
  void on_due(Call&, Time) {}
  Time next_due(const Call&) const { return kNever; }
  // When the attempt that has begun (call.exchange) has been waited for so long that another one may be sent beside it.
  Time hedge_at(const Call&) const { return kNever; }
  Step on_silence(Call&, Time) { return Proceed{}; }
  // Whether an answer with this status ends the wait for another attempt's.
  bool is_good(const Call&, int /*status*/) const { return true; }
  void on_client_stalled() noexcept {}
  // Whether a body that the client does not need is to be read for the filter's sake.
  bool needs_body() const noexcept { return false; }
  // Until when the call of a client that has given it up is to go on without one, if at all; kNever: until the upstream
  // has answered or failed. runs_on is set then, on_done leaves the permit open, and on_verdict ends it.
  std::optional<Time> runs_on_until(const Call&, Time) noexcept { return std::nullopt; }
  void on_verdict(Call&, Time) noexcept {}
  void on_done(Call&, Time) noexcept {}
  void on_released() noexcept {}
};

}  // namespace fusewire
