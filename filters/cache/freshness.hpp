// SPDX-License-Identifier: Apache-2.0
// How old a stored response is, how long it is fresh, and how long after that it may still be used (RFC 9111 §4.2,
// RFC 5861). Ages run on the steady clock: a step of the wall clock makes nothing older or younger.
#pragma once

#include <optional>

#include "config/config.hpp"
#include "filters/cache/cache_control.hpp"
#include "filters/call.hpp"
#include "filters/http_date.hpp"

namespace fusewire::cache {

// When a response was asked for and came.
struct Received {
  Time requested;
  Time at;
  HttpTime wall;  // of `at`
};

Received received(const Call&, Time head);

struct Freshness {
  Time received{};
  HttpTime date{};              // the Date field's, or the time of receipt
  bool dated = false;           // there was a Date that can be read
  milliseconds initial_age{0};  // corrected_initial_age
  seconds lifetime{0};
  std::optional<seconds> stale_if_error;
  std::optional<seconds> stale_while_revalidate;
  bool stale_forbidden = false;
  bool must_validate = false;  // no-cache: never fresh
  bool is_explicit = false;    // s-maxage, max-age or Expires gave the lifetime

  milliseconds age(Time now) const noexcept { return initial_age + std::chrono::floor<milliseconds>(now - received); }
  bool fresh(Time now) const noexcept { return !must_validate && lifetime > age(now); }
  // Whether it may ever answer without being validated first.
  bool shareable() const noexcept { return !must_validate && lifetime > seconds{0}; }
  // 0 or more once stale.
  milliseconds staleness(Time now) const noexcept { return age(now) - lifetime; }
  // In whole seconds, as Age and Cache-Status say it.
  seconds age_seconds(Time now) const noexcept { return std::chrono::floor<seconds>(age(now)); }
  seconds ttl(Time now) const noexcept { return lifetime - age_seconds(now); }
};

// The statuses that may be stored without explicit freshness (RFC 9110 §15.1), 206 apart: it is never stored.
bool heuristically_cacheable(int status) noexcept;

// nullopt: neither explicit nor heuristic freshness.
std::optional<Freshness> freshness_of(const Response&, const ResponseDirectives&, const Received&,
                                      double heuristic_fraction) noexcept;
// Of a response without either: stale from the beginning.
Freshness no_freshness(const Response&, const ResponseDirectives&, const Received&) noexcept;

}  // namespace fusewire::cache
