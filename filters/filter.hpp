// SPDX-License-Identifier: Apache-2.0
// The contract of a filter. A filter is a small object that lives as long as one exchange, on the exchange's thread. It
// decides and never waits. What takes time it asks of the attempt: by the Reply that it returns, by the exchange (hold,
// conditions, refresh, runs_on), or by Chain::detour().
//
// Order of calls, for every filter of the chain in the chain's order, on the way in *and* on the way out (the breaker
// must judge what truly happened before the fallback, last, dresses it up):
//
//   on_request   once. A Reply ends the walk: later filters' on_request are not called, and nothing is sent upstream.
//                So does x.hold == Hold::wait, but then the walk begins anew when the attempt has waited.
//   on_reply     once for each reply that is about to go out (the upstream's head, a filter's own reply, a problem); a
//                filter may replace it. x.outcome is final unless the upstream's body still flows. What a detour has
//                come to is not shown again, nor is a reply that the cache's own detour replaces shown to the fallback.
//   on_body      for each piece of the upstream's relayed body, before it goes to the client. Not after a replacement,
//                and not of a response that was put aside for a detour: on_done has been called by then.
//   on_due       when next_due() has come; the exchange may still be waiting for the upstream.
//   on_done      exactly once, noexcept: the upstream's part is over, and x.outcome says how. Before the last bytes of
//                the response go to the client, so that a client that reads them finds the verdict already recorded. A
//                response that is put aside for a detour is `abandoned`; where x.runs_on is set, on_verdict follows.
#pragma once

#include <concepts>
#include <optional>
#include <string_view>

#include "filters/exchange.hpp"

namespace fusewire {

template <class F>
concept Filter = requires(F filter, const F& constant, Exchange& x, Reply& reply, std::string_view piece, Time now) {
  { filter.on_request(x, now) } -> std::same_as<std::optional<Reply>>;
  { filter.on_reply(x, reply, now) } -> std::same_as<void>;
  { filter.on_body(x, piece) } -> std::same_as<void>;
  { filter.on_due(x, now) } -> std::same_as<void>;
  { constant.next_due(x) } -> std::same_as<Time>;
  { filter.on_done(x, now) }
  noexcept->std::same_as<void>;
};

// What most filters do in most calls.
struct PassThrough {
  std::optional<Reply> on_request(Exchange&, Time) { return std::nullopt; }
  void on_reply(Exchange&, Reply&, Time) {}
  void on_body(Exchange&, std::string_view) {}
  void on_due(Exchange&, Time) {}
  Time next_due(const Exchange&) const { return kNever; }
  void on_done(Exchange&, Time) noexcept {}
};

}  // namespace fusewire
