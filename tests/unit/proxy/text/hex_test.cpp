// SPDX-License-Identifier: Apache-2.0
#include "proxy/text/hex.hpp"

#include <doctest/doctest.h>

#include <string>

using fusewire::proxy::write_hex;

TEST_CASE("hexadecimal digits are 16, lower-case, the highest first") {
  const auto hex = [](std::uint64_t value) {
    std::string text(17, '?');
    write_hex(text.data(), value);
    return text;
  };
  CHECK(hex(0) == "0000000000000000?");
  CHECK(hex(0x0123456789abcdef) == "0123456789abcdef?");
  CHECK(hex(0xfedcba9876543210) == "fedcba9876543210?");
  CHECK(hex(~std::uint64_t{0}) == "ffffffffffffffff?");
  CHECK(hex(0x9a) == "000000000000009a?");
}
