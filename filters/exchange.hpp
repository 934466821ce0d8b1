// SPDX-License-Identifier: Apache-2.0
// All that is known of one request/response pair while filters decide on it. One exchange belongs to one worker thread.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "config/config.hpp"
#include "filters/client_waits.hpp"
#include "filters/message.hpp"

namespace fusewire {

using Time = std::chrono::steady_clock::time_point;
using WallTime = std::chrono::system_clock::time_point;
using std::chrono::milliseconds;

inline constexpr Time kNever = Time::max();

// What truly happened between us and the upstream, and who caused it. Never what the client was answered.
enum class Outcome : std::uint8_t {
  pending,
  // answered here, nothing was asked of the upstream
  local,  // a filter or the proxy answered (breaker open, cache hit, bad request, …)
  // the upstream answered
  complete,   // its response was read to the last byte
  abandoned,  // its head was read; the proxy did not need the rest (a fallback took over)
  // the upstream failed
  connect_refused,
  connect_unreachable,
  connect_timeout,
  dns_error,
  dns_timeout,
  tls_error,
  response_timeout,
  total_timeout,
  idle_timeout,  // a body stood still for timeouts.idle
  reset,         // closed or reset before a complete head
  protocol_error,
  incomplete,  // the body broke off
  // not the upstream's fault
  client_gone,
  cut_off,       // this process ends
  client_fault,  // the request's body was late, malformed or too large
  overload,      // our own limits: max_connections, max_concurrent_requests
  local_lack,    // EMFILE, EADDRNOTAVAIL, …
};

// Whether there is nobody left to be answered.
constexpr bool is_forsaken(Outcome outcome) { return outcome == Outcome::client_gone || outcome == Outcome::cut_off; }

// What the breaker made of the outcome; `none` where there was no call, or none yet.
enum class Verdict : std::uint8_t { none, success, failure, neutral };

// The names of spec/http.md's table of own answers; `none` where the answer is not the proxy's.
enum class Problem : std::uint8_t {
  none,
  circuit_breaker_open,
  concurrency_limit,
  connect_failed,
  connect_timeout,
  response_timeout,
  total_timeout,
  upstream_reset,
  upstream_protocol_error,
  loop_detected,
  not_cached,  // only-if-cached, and nothing stored that may answer
  no_route,
  bad_request,
  method_not_allowed,
  uri_too_long,
  headers_too_large,
  body_too_large,
  request_timeout,
  not_implemented,
  version_not_supported,  // the last one: kProblems counts on it
};
inline constexpr std::size_t kProblems = static_cast<std::size_t>(Problem::version_not_supported) + 1;

// A reply that will go to the client unless a later filter replaces it.
struct Reply {
  enum class Origin : std::uint8_t {
    upstream,  // relayed: fields view the upstream connection's buffer, the body streams
    problem,   // the proxy's own answer: rendered at the very end from `problem` and `detail`
    stored,    // whole and in memory: from the cache or a static step; `owner` keeps fields and body alive
  };
  Origin origin = Origin::upstream;
  int status = 0;

  // origin == upstream or stored
  Fields fields;
  // origin == stored
  std::shared_ptr<const void> owner;
  std::string_view body;                        // never copied; empty for HEAD and 304
  std::optional<std::uint64_t> content_length;  // absent: body.size(), or no Content-Length on 304
  // any origin: complete lines "Name: value\r\n" that the proxy adds after the fields
  std::string extra_fields;

  // origin == problem
  Problem problem = Problem::none;
  std::string detail;             // one sentence for a person
  std::string_view state;         // the breaker's state or override, where it is the reason; static storage
  std::string_view proxy_status;  // its error (RFC 9209 §2.3), where the outcome is too coarse; static storage
  std::optional<milliseconds> retry_after;  // absent: unknown
};

// What a TLS handshake with an upstream failed of. Static storage.
struct TlsFault {
  std::string_view error;   // RFC 9209 §2.3: tls_protocol_error, tls_certificate_error, tls_alert_received
  std::string_view reason;  // for a person: "certificate has expired"
};

// Flags of the access log (spec/operations.md), a bit set.
enum class Flag : std::uint16_t {
  circuit_open = 1 << 0,         // CB
  dependency_open = 1 << 1,      // DO
  upstream_timeout = 1 << 2,     // UT
  connect_failure = 1 << 3,      // UF
  upstream_reset = 1 << 4,       // UR
  upstream_full = 1 << 5,        // UO
  rate_limited = 1 << 6,         // RL
  fallback = 1 << 7,             // FB
  cache_stale = 1 << 8,          // CS
  cache_hit = 1 << 9,            // CH
  client_gone = 1 << 10,         // DC
  upstream_malformed = 1 << 11,  // UP
  no_route = 1 << 12,            // NR
  bad_request = 1 << 13,         // BR: a request that is refused as it stands
  shut_down = 1 << 14,           // SD: cut off by our own end
};

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
// session waits, says what came of it, and has the chain asked again.
enum class Hold : std::uint8_t {
  none,
  wait,
  again,  // the fetch has ended: look, and wait again if need be
  alone,  // look, and wait for nobody
};

struct Exchange {
  // Set by the session before the chain sees it. `request` outlives the exchange.
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
  Time permitted = kNever;     // the chain let it pass
  Time request_sent = kNever;  // last byte of the request sent; equal to permitted without a body
  Time response_head = kNever;
  Time response_end = kNever;

  // Deadlines decided by the timeout filter; the session enforces them. total_at ends at the response's head.
  Time total_at = kNever;
  bool deadline_asked = false;  // the client gave one, short or long
  // total_at leaves this upstream less time than it may take: it is the client's own wish, or others have used the
  // rest.
  bool short_deadline = false;
  milliseconds connect_within{0};
  milliseconds response_within{0};
  milliseconds idle_within{0};

  // What the cache asks of the session (serve: normal).
  Hold hold = Hold::none;
  bool refresh = false;     // the reply is stale: it is to be asked for anew, behind the client's back
  bool background = false;  // set by the session: this is that request
  std::string conditions;   // complete lines in the place of the client's own If-None-Match and If-Modified-Since

  // What came of it. `outcome` leaves `pending` once, set by forward (or by the session for a local answer).
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
  std::uint16_t flags = 0;
  FallbackRuns fallback_runs;

  void set(Flag flag) noexcept { flags = static_cast<std::uint16_t>(flags | static_cast<std::uint16_t>(flag)); }
  void clear(Flag flag) noexcept { flags = static_cast<std::uint16_t>(flags & ~static_cast<std::uint16_t>(flag)); }
  bool has(Flag flag) const noexcept { return (flags & static_cast<std::uint16_t>(flag)) != 0; }
};

}  // namespace fusewire
