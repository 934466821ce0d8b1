// SPDX-License-Identifier: Apache-2.0
// Cache-Control of requests and responses (RFC 9111 §5.2, RFC 5861). What is contradictory or malformed is read in the
// most restrictive way.
#pragma once

#include <chrono>
#include <optional>

#include "filters/message.hpp"

namespace fusewire::cache {

using std::chrono::seconds;

// Larger ages count as this one (RFC 9111 §1.2.2); also max-stale without a value.
inline constexpr seconds kMaxDelta{2147483648};

struct ResponseDirectives {
  bool no_store = false;
  bool no_cache = false;  // also the form with field names: nothing is served without validation
  bool private_ = false;  // likewise: no part is stored
  bool public_ = false;
  bool must_revalidate = false;
  bool proxy_revalidate = false;
  bool must_understand = false;
  bool malformed = false;  // an open quote: what follows it cannot be known
  // Named but invalid, or twice with different values: 0.
  std::optional<seconds> max_age;
  std::optional<seconds> s_maxage;
  std::optional<seconds> stale_if_error;
  std::optional<seconds> stale_while_revalidate;

  // RFC 9111 §4.2.4, §5.2.2.10.
  bool forbids_stale() const noexcept { return must_revalidate || proxy_revalidate || no_cache || s_maxage; }
};

struct RequestDirectives {
  bool no_store = false;
  bool no_cache = false;  // also Pragma: no-cache without Cache-Control
  bool only_if_cached = false;
  std::optional<seconds> max_age;
  std::optional<seconds> max_stale;
  std::optional<seconds> min_fresh;
  std::optional<seconds> stale_if_error;  // RFC 5861 §4

  // Whether only what was stored just now would do.
  bool wants_validation() const noexcept {
    return no_cache || (max_age == seconds{0} && max_stale.value_or(seconds{0}) == seconds{0});
  }
};

ResponseDirectives response_directives(const Fields&) noexcept;
RequestDirectives request_directives(const Fields&) noexcept;

// Digits only, capped at kMaxDelta.
std::optional<seconds> parse_delta(std::string_view) noexcept;

}  // namespace fusewire::cache
