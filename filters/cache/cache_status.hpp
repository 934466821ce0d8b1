// SPDX-License-Identifier: Apache-2.0
// What Cache-Status says of one response (RFC 9211).
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "filters/cache/freshness.hpp"

namespace fusewire::cache {

// Why a request went to the upstream (§2.2).
enum class Forward : std::uint8_t {
  uri_miss,   // nothing is stored for the URI
  vary_miss,  // only what other request fields select
  stale,      // what is stored must be validated first
  request,    // the request's own directives ask for it
  method,     // neither GET nor HEAD
  bypass,     // a request that is not answered from here: with a body, If-Match or Upgrade
};

struct CacheStatus {
  std::optional<Forward> forwarded = {};  // absent: a hit
  int fwd_status = 0;                     // the upstream's, where it is not the one that is sent; 0: left out
  bool stored = false;
  bool collapsed = false;
  std::optional<seconds> ttl = {};
  std::string_view detail = {};

  // "fusewire; hit; ttl=58".
  std::string text() const;
};

}  // namespace fusewire::cache
