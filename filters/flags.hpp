// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>

namespace fusewire {

// Flags of the access log (docs/reference.md, "Access log"), a bit set.
enum class Flag : std::uint32_t {
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
  delay_injected = 1 << 15,      // DI: by a fault of PUT /admin/faults
  fault_injected = 1 << 16,      // FI: likewise, an answer or a reset
};

using Flags = std::uint32_t;

constexpr Flags bits(Flag flag) { return static_cast<Flags>(flag); }
constexpr Flags bits(Flag a, Flag b) { return static_cast<Flags>(bits(a) | bits(b)); }

}  // namespace fusewire
