// SPDX-License-Identifier: Apache-2.0
// Containers often have no IPv6 at all: what needs ::1 is skipped there, and tests/run.sh says so.
#pragma once

#include <doctest/doctest.h>

#include <fstream>
#include <string>

namespace fusewire::testing {

// Loopback has ::1. proc(5): the address stands first on its line, as 32 hexadecimal digits.
inline bool has_ipv6_loopback() {
  std::ifstream addresses("/proc/net/if_inet6");
  for (std::string line; std::getline(addresses, line);)
    if (line.starts_with(std::string(31, '0') + "1 ")) return true;
  return false;
}

// Stands behind a test's name: TEST_CASE("…" * needs_ipv6()).
inline doctest::skip needs_ipv6() { return doctest::skip(!has_ipv6_loopback()); }

}  // namespace fusewire::testing
