// SPDX-License-Identifier: Apache-2.0
// All that is known of one request/response pair while filters decide on it. One exchange belongs to one worker thread.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "config/config.hpp"
#include "filters/client_waits.hpp"
#include "filters/flags.hpp"
#include "filters/message.hpp"
#include "filters/outcome.hpp"
#include "filters/reply.hpp"
#include "filters/time.hpp"

namespace fusewire {

// What the breaker made of the outcome; `none` where there was no call, or none yet.
enum class Verdict : std::uint8_t { none, success, failure, neutral };

// How often each kind of fallback step ran for one exchange, and what came of it: counted by the observer as
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

// Whether a request waits for somebody else's fetch of the same thing (serve: normal). The cache says `wait`; the
// attempt waits, says what came of it, and has the chain asked again.
enum class Hold : std::uint8_t {
  none,
  wait,
  again,  // the fetch has ended: look, and wait again if need be
  alone,  // look, and wait for nobody
};

struct Exchange {
  // Set by the attempt before the chain sees it. `request` outlives the exchange.
  const Request* request = nullptr;
  const config::Upstream* upstream = nullptr;
  const config::Timeouts* timeouts = nullptr;  // the route's, or the upstream's
  const config::Fallback* fallback = nullptr;  // the route's, or the upstream's
  std::string_view cache_scope;                // of the route: stored responses are its own, and those of equal scopes
  WallTime wall{};                             // when the request's head was complete
  bool body_replayable = true;                 // no body, or all of it is still in memory
  // The connection to the upstream is the client connection's own, because an authentication of the connection (NTLM,
  // Negotiate, Kerberos) goes on or has been done there: what comes over it is for nobody else. Also set by forward.
  bool connection_bound = false;

  // Steady times, kNever while they have not come.
  Time started = kNever;       // the request's head was complete
  Time permitted = kNever;     // the breaker let it pass; also where it was not sent after all
  Time request_sent = kNever;  // last byte of the request sent; equal to permitted without a body
  Time response_head = kNever;
  Time response_end = kNever;

  // Deadlines decided by the timeout filter; Forward enforces them. total_at ends at the response's head.
  Time total_at = kNever;
  Time gone_by = kNever;        // total_at of a trial that runs on: it ends nothing any more
  bool deadline_asked = false;  // the client gave one, short or long
  // total_at leaves this upstream less time than it may take: it is the client's own wish, or others have used the
  // rest.
  bool short_deadline = false;
  milliseconds connect_within{0};
  milliseconds response_within{0};
  milliseconds idle_within{0};

  // What the cache asks of the attempt (serve: normal).
  Hold hold = Hold::none;
  bool refresh = false;     // the reply is stale: it is to be asked for anew, behind the client's back
  bool background = false;  // set by the refresh: this is that request
  std::string conditions;   // complete lines in the place of the client's own If-None-Match and If-Modified-Since

  // What came of it. Forward sets `outcome`, a filter that answers sets `local`. It is `pending` again where a kept
  // connection turned out closed, a response that was put aside is relayed after all, or a trial runs on.
  Outcome outcome = Outcome::pending;
  TlsFault tls_fault;                  // of Outcome::tls_error
  std::string_view malformed;          // of Outcome::protocol_error: what is wrong with the response; static storage
  Verdict verdict = Verdict::none;     // set by the breaker filter
  int upstream_status = 0;             // 0 before the response's head
  const Response* response = nullptr;  // the upstream's head, valid until the exchange ends
  bool nothing_sent = true;            // no byte went to the upstream
  ClientWaits waits;                   // for the client, while the outcome is pending
  bool answered_stall = false;         // when the response's head came, the client withheld an upload
  bool client_withheld = false;        // when the upstream ended it, the client withheld something
  bool stale_connection = false;       // a kept one that the upstream had closed when the request came
  // Its client has given it up, and it goes on without one until the upstream has answered: the breaker wants a
  // verdict.
  bool runs_on = false;
  Flags flags = 0;
  FallbackRuns fallback_runs;

  void set(Flag flag) noexcept { flags = static_cast<Flags>(flags | bits(flag)); }
  bool has(Flag flag) const noexcept { return (flags & bits(flag)) != 0; }
};

}  // namespace fusewire
