// SPDX-License-Identifier: Apache-2.0
// What happened between the proxy and the upstream, and all that follows from it: the one place that says whose fault
// an outcome is. It does not say what the client was answered.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>

#include "filters/breaker/core/types.hpp"
#include "filters/flags.hpp"
#include "filters/problem.hpp"

namespace fusewire {

enum class Outcome : std::uint8_t {
  pending,
  // answered here, nothing was asked of the upstream
  local,  // a filter or the proxy answered (breaker open, cache hit, bad request, …)
  // the upstream answered
  complete,   // its response was read to the last byte
  abandoned,  // its head was read; the proxy did not need the rest (a fallback took over)
  // another attempt of the same call has answered first (a hedge, or the attempt that it was beside)
  superseded,
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
  cut_off,             // this process ends
  client_fault,        // the request's body was late, malformed or too large
  overload,            // our own limits: max_connections, max_concurrent_requests
  resource_exhausted,  // EMFILE, EADDRNOTAVAIL, …
};

// Whether no client is left to answer.
constexpr bool is_forsaken(Outcome outcome) { return outcome == Outcome::client_gone || outcome == Outcome::cut_off; }

enum class FaultOf : std::uint8_t { nobody, upstream, client, proxy };

struct OutcomeRow {
  Outcome outcome;
  FaultOf fault;
  std::optional<breaker::FailureKind> failure;  // what it is to the breaker and to `classify`; absent: no failure
  Trigger trigger;                              // what it is to a fallback; FaultOf::nobody: the problem says it
  Flags flags;                                  // in the access log
  // What the client is answered, if nothing was sent to it yet.
  Problem problem;
  std::string_view proxy_status;  // more exact than the problem's; empty: the problem's
  std::string_view detail;        // a sentence for a person; {} is the upstream
};

inline constexpr auto kOutcomes = [] {
  using breaker::FailureKind;
  using enum Outcome;
  constexpr std::string_view kClosed = "{} closed the connection before a whole response";
  constexpr std::string_view kNoAnswer = "{} did not answer in time";
  constexpr Flags kConnect = bits(Flag::connect_failure);
  constexpr Flags kTimeout = bits(Flag::upstream_timeout);
  constexpr Flags kReset = bits(Flag::upstream_reset);
  return std::to_array<OutcomeRow>({
      {pending, FaultOf::nobody, {}, Trigger::none, 0, Problem::upstream_reset, "", kClosed},
      {local, FaultOf::nobody, {}, Trigger::none, 0, Problem::upstream_reset, "", kClosed},
      {complete, FaultOf::nobody, {}, Trigger::none, 0, Problem::upstream_reset, "", kClosed},
      {abandoned, FaultOf::nobody, {}, Trigger::none, 0, Problem::upstream_reset, "", kClosed},
      {superseded, FaultOf::nobody, {}, Trigger::none, 0, Problem::upstream_reset, "", kClosed},
      {connect_refused, FaultOf::upstream, FailureKind::connect_error, Trigger::connect_error, kConnect,
       Problem::connect_failed, "", "{} refused the connection"},
      {connect_unreachable, FaultOf::upstream, FailureKind::connect_error, Trigger::connect_error, kConnect,
       Problem::connect_failed, "destination_ip_unroutable", "{} is unreachable"},
      {connect_timeout, FaultOf::upstream, FailureKind::timeout, Trigger::timeout,
       bits(Flag::connect_failure, Flag::upstream_timeout), Problem::connect_timeout, "",
       "{} did not accept the connection in time"},
      {dns_error, FaultOf::upstream, FailureKind::connect_error, Trigger::connect_error, kConnect,
       Problem::connect_failed, "dns_error", "cannot resolve the name of {}"},
      {dns_timeout, FaultOf::upstream, FailureKind::timeout, Trigger::timeout,
       bits(Flag::connect_failure, Flag::upstream_timeout), Problem::connect_timeout, "dns_timeout",
       "cannot resolve the name of {} in time"},
      {tls_error, FaultOf::upstream, FailureKind::connect_error, Trigger::connect_error, kConnect,
       Problem::connect_failed, "tls_protocol_error", "{} failed the TLS handshake"},
      {response_timeout, FaultOf::upstream, FailureKind::timeout, Trigger::timeout, kTimeout, Problem::response_timeout,
       "", kNoAnswer},
      {total_timeout, FaultOf::upstream, FailureKind::timeout, Trigger::timeout, kTimeout, Problem::total_timeout, "",
       "{} did not answer before the request's deadline"},
      {idle_timeout, FaultOf::upstream, FailureKind::timeout, Trigger::timeout, kTimeout, Problem::response_timeout, "",
       kNoAnswer},
      {reset, FaultOf::upstream, FailureKind::reset, Trigger::reset, kReset, Problem::upstream_reset, "", kClosed},
      {protocol_error, FaultOf::upstream, FailureKind::protocol_error, Trigger::protocol_error,
       bits(Flag::upstream_malformed), Problem::upstream_protocol_error, "", "{} sent a malformed response"},
      {incomplete, FaultOf::upstream, FailureKind::incomplete, Trigger::incomplete, kReset, Problem::upstream_reset, "",
       kClosed},
      {client_gone, FaultOf::client, {}, Trigger::none, bits(Flag::client_gone), Problem::upstream_reset, "", kClosed},
      {cut_off, FaultOf::proxy, {}, Trigger::none, bits(Flag::shut_down), Problem::upstream_reset, "", kClosed},
      {client_fault, FaultOf::client, {}, Trigger::none, bits(Flag::bad_request), Problem::upstream_reset, "", kClosed},
      {overload,
       FaultOf::proxy,
       {},
       Trigger::overload,
       bits(Flag::upstream_full),
       Problem::concurrency_limit,
       "",
       "{} has all its connections in use"},
      {resource_exhausted,
       FaultOf::proxy,
       {},
       Trigger::overload,
       kConnect,
       Problem::connect_failed,
       "proxy_internal_error",
       "{} was not tried: this proxy is out of sockets"},
  });
}();

// Each value has its row, in its place.
static_assert([] {
  for (std::size_t i = 0; i < kOutcomes.size(); ++i)
    if (static_cast<std::size_t>(kOutcomes[i].outcome) != i) return false;
  return kOutcomes.size() == static_cast<std::size_t>(Outcome::resource_exhausted) + 1;
}());

constexpr const OutcomeRow& row(Outcome outcome) { return kOutcomes[static_cast<std::size_t>(outcome)]; }

// Why a TLS handshake with an upstream failed, or TLS ended a connection later. Static storage.
struct TlsFault {
  std::string_view error;   // RFC 9209 §2.3: tls_protocol_error, tls_certificate_error, tls_alert_received
  std::string_view reason;  // for a person: "certificate has expired"
};

}  // namespace fusewire
