// SPDX-License-Identifier: Apache-2.0
// What the proxy itself answers, and all that is fixed about each: the table of docs/reference.md.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "filters/flags.hpp"

namespace fusewire {

// Why a fallback chain may run: the names of `fallback.on` and of Cache-Status details.
enum class Trigger : std::uint8_t {
  none,  // no matter for a fallback: a good answer, or the client's own fault
  breaker_open,
  connect_error,
  timeout,
  reset,
  protocol_error,
  incomplete,
  overload,
  status,  // the upstream's answer, by its number
};

// `none` where the answer is not the proxy's.
enum class Problem : std::uint8_t {
  none,
  circuit_breaker_open,
  concurrency_limit,
  queue_timeout,
  rate_limited,
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
  version_not_supported,
};

struct ProblemRow {
  Problem problem;
  std::string_view name;
  int status;
  std::string_view proxy_status;  // its error (RFC 9209 §2.3); empty: no Proxy-Status
  Trigger trigger;                // where nothing was asked of the upstream
  Flags flags;                    // in the access log, where no exchange knows of it
};

inline constexpr auto kProblems = std::to_array<ProblemRow>({
    {Problem::none, "BadRequest", 400, "http_request_error", Trigger::none, 0},
    {Problem::circuit_breaker_open, "CircuitBreakerOpen", 503, "destination_unavailable", Trigger::breaker_open, 0},
    {Problem::concurrency_limit, "ConcurrencyLimit", 503, "connection_limit_reached", Trigger::overload,
     bits(Flag::upstream_full)},
    {Problem::queue_timeout, "QueueTimeout", 503, "connection_limit_reached", Trigger::overload,
     bits(Flag::upstream_full)},
    {Problem::rate_limited, "RateLimited", 429, "", Trigger::overload, bits(Flag::rate_limited)},
    {Problem::connect_failed, "ConnectFailed", 502, "connection_refused", Trigger::connect_error, 0},
    {Problem::connect_timeout, "ConnectTimeout", 504, "connection_timeout", Trigger::timeout, 0},
    {Problem::response_timeout, "ResponseTimeout", 504, "http_response_timeout", Trigger::timeout, 0},
    {Problem::total_timeout, "TotalTimeout", 504, "http_response_timeout", Trigger::timeout, 0},
    {Problem::upstream_reset, "UpstreamReset", 502, "connection_terminated", Trigger::reset, 0},
    {Problem::upstream_protocol_error, "UpstreamProtocolError", 502, "http_protocol_error", Trigger::protocol_error, 0},
    {Problem::loop_detected, "LoopDetected", 502, "proxy_loop_detected", Trigger::none, bits(Flag::bad_request)},
    {Problem::not_cached, "NotCached", 504, "", Trigger::none, 0},
    {Problem::no_route, "NoRoute", 404, "destination_not_found", Trigger::none, bits(Flag::no_route)},
    {Problem::bad_request, "BadRequest", 400, "http_request_error", Trigger::none, bits(Flag::bad_request)},
    {Problem::method_not_allowed, "MethodNotAllowed", 405, "http_request_error", Trigger::none,
     bits(Flag::bad_request)},
    {Problem::uri_too_long, "UriTooLong", 414, "http_request_error", Trigger::none, bits(Flag::bad_request)},
    {Problem::headers_too_large, "HeadersTooLarge", 431, "http_request_error", Trigger::none, bits(Flag::bad_request)},
    {Problem::body_too_large, "BodyTooLarge", 413, "http_request_error", Trigger::none, bits(Flag::bad_request)},
    {Problem::request_timeout, "RequestTimeout", 408, "http_request_error", Trigger::none, bits(Flag::bad_request)},
    {Problem::not_implemented, "NotImplemented", 501, "http_request_error", Trigger::none, bits(Flag::bad_request)},
    {Problem::version_not_supported, "VersionNotSupported", 505, "http_request_error", Trigger::none,
     bits(Flag::bad_request)},
});

// Each value has its row, in its place.
static_assert([] {
  for (std::size_t i = 0; i < kProblems.size(); ++i)
    if (static_cast<std::size_t>(kProblems[i].problem) != i) return false;
  return kProblems.size() == static_cast<std::size_t>(Problem::version_not_supported) + 1;
}());

constexpr const ProblemRow& row(Problem problem) { return kProblems[static_cast<std::size_t>(problem)]; }

}  // namespace fusewire
