// SPDX-License-Identifier: Apache-2.0
// Whether a shared cache may remember a response (RFC 9111 §3), and if not, why.
#pragma once

#include <cstdint>

#include "filters/cache/freshness.hpp"
#include "filters/message.hpp"

namespace fusewire::cache {

enum class Refusal : std::uint8_t {
  none,
  // the request's doing
  method,            // not a GET, or a GET with a body, Upgrade or Expect
  request_no_store,  // Cache-Control: no-store of the client
  authorization,     // without public, s-maxage or must-revalidate in the answer
  cookie,            // a request with Cookie, answered without explicit freshness
  vary_long,         // chosen by more than kMaxSelectingBytes of it
  // the response's doing
  status,     // never: 206, 304 and what is meant for one request alone; without explicit freshness few others
  malformed,  // Cache-Control that cannot be read
  no_store,
  private_,
  no_cache,         // could never be served: it has no validator, or nothing is validated (serve: on_error)
  set_cookie,       // and store_set_cookie is off
  vary_any,         // Vary: *, or by what the proxy writes
  no_freshness,     // neither explicit nor heuristic
  close_delimited,  // its end cannot be distinguished from a crash
};

struct Storability {
  Refusal refusal = Refusal::none;
  Freshness freshness;  // meaningful without a refusal

  explicit operator bool() const noexcept { return refusal == Refusal::none; }
};

// A GET that asks for nothing beside the response: no body, Upgrade or Expect. Answers to other requests are not
// stored.
bool is_plain_get(const Request&) noexcept;
// Whether such a response may be stored although it answers a request with Authorization (RFC 9111 §3.5).
bool is_for_all(const ResponseDirectives&) noexcept;

// What the decision depends on beside the request and its response.
struct Terms {
  std::string_view deadline_header = {};  // that of its timeouts
  bool stale_by_operator = false;         // a cache step of its fallback has a max_stale: fresh for 0 s is enough
};

// `serve: on_error` keeps what can stand in for the upstream; `serve: normal` all that RFC 9111 allows, also what has
// to be validated each time. Allocates nothing.
Storability storability(const Request&, const Response&, const config::Cache&, const Received&, Terms = {}) noexcept;

}  // namespace fusewire::cache
