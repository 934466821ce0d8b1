// SPDX-License-Identifier: Apache-2.0
// A call is a request's dealing with one upstream: one permit of its breaker, one deadline, one fallback, and one or
// more attempts. All that its filters decide on is here.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "config/config.hpp"
#include "filters/exchange.hpp"
#include "filters/flags.hpp"
#include "filters/notes.hpp"
#include "filters/request_context.hpp"

namespace fusewire {

// What the breaker made of the outcome; `none` where there was no call, or none yet.
enum class Verdict : std::uint8_t { none, success, failure, neutral };

// What became of the attempt that was sent beside another one (retries.hedge).
enum class HedgeResult : std::uint8_t {
  none,         // there was none
  pending,      // it runs
  won,          // it has answered first
  lost,         // the other attempt has
  failed,       // it has not answered well, or the call has ended before it did
  over_budget,  // it was not sent: the retry budget is spent
};

// How often each kind of fallback step ran for one call, and what came of it: counted by the observer as
// circuit_breaker_fallback_executions_total{type,result}.
enum class FallbackType : std::uint8_t { cache, upstream, static_reply };
enum class FallbackResult : std::uint8_t { hit, miss, error };
struct FallbackRuns {
  std::uint8_t count[3][3] = {};  // [type][result]; saturating

  std::uint8_t& at(FallbackType type, FallbackResult result) noexcept {
    return count[static_cast<std::size_t>(type)][static_cast<std::size_t>(result)];
  }
  void add(FallbackType type, FallbackResult result) noexcept {
    if (std::uint8_t& runs = at(type, result); runs < 255) ++runs;
  }
  bool operator==(const FallbackRuns&) const = default;
};

// Belongs to one worker thread. The pointers are set by the call's driver before the chain sees it, and never null
// then.
struct Call {
  const RequestContext* context = nullptr;
  Exchange* exchange = nullptr;  // of the last attempt; before the first, or without one, what stands for it
  const config::Upstream* upstream = nullptr;
  const config::Timeouts* timeouts = nullptr;               // the route's, or the upstream's
  const config::Fallback* fallback = nullptr;               // the route's, or the upstream's
  const config::Retries* retries = nullptr;                 // the route's, or the upstream's
  const config::CircuitBreaker* circuit_breaker = nullptr;  // likewise
  const config::RouteLimits* route_limits = nullptr;        // absent: the route has none of its own
  std::string_view cache_scope;  // of the route: stored responses are its own, and those of equal scopes
  // The connection to the upstream is the client connection's own, because an authentication of the connection (NTLM,
  // Negotiate, Kerberos) goes on or has been done there: what comes over it is for nobody else. Also set by Forward.
  bool connection_bound = false;

  Time::duration paused{};       // before retries
  Time permitted = kNever;       // the breaker let it pass; also where it was not sent after all
  std::uint32_t generation = 0;  // of the breaker, when it did
  // Each endpoint has a breaker of its own, which judges attempts; the upstream's judges the call.
  bool endpoint_breakers = false;
  bool endpoint_available = true;  // for the first attempt; for one more, when one failed
  bool another_endpoint = false;   // and that is not the one that has failed

  // Decided by the deadline filter, enforced by Forward. total_at ends at the response's head.
  Time total_at = kNever;
  Time gone_by = kNever;        // total_at of a call that runs on: it ends nothing any more
  bool deadline_asked = false;  // the client gave one, short or long
  // total_at leaves this upstream less time than it may take: it is the client's own wish, or others have used the
  // rest.
  bool short_deadline = false;

  std::string conditions;  // complete lines in the place of the client's own If-None-Match and If-Modified-Since

  // How many requests its upstream, and its route, had at a time when it got its place among them, itself included.
  std::uint32_t in_flight = 0;
  std::uint32_t route_in_flight = 0;
  bool limited_by_route = false;  // it was a limit of the route that has refused it

  bool nothing_sent = true;        // no byte went to an upstream for this request
  bool interim_sent = false;       // the client has had an interim response of an attempt
  std::uint8_t retries_made = 0;   // attempts that the retry filter has asked for
  bool retries_are_over = false;   // the breaker has opened while one was waited for
  bool over_retry_budget = false;  // one more would have been made
  HedgeResult hedge = HedgeResult::none;
  Time hedged_at = kNever;  // its hedge was begun then, if the request has had one; an attempt of before is the one
                            // that was hedged
  Verdict verdict = Verdict::none;  // set by the breaker filter
  // Its client has given it up, and it goes on without one, until the upstream has answered or runs_on_until() is over:
  // the breaker wants a verdict.
  bool runs_on = false;
  Flags flags = 0;
  FallbackRuns fallback_runs;
  Notes notes;  // for those who ask later

  template <class Detail = int>
  void note(Decision what, Time now, Detail detail = {}, int number = 0, std::int64_t value = 0) noexcept {
    notes.add({.what = what,
               .detail = static_cast<std::uint8_t>(detail),
               .number = static_cast<std::uint16_t>(number),
               .value = value < 0 ? kNoValue : saturated(value),
               .at = now});
  }
  void set(Flag flag) noexcept { flags = static_cast<Flags>(flags | bits(flag)); }
  bool has(Flag flag) const noexcept { return (flags & bits(flag)) != 0; }
};

}  // namespace fusewire
