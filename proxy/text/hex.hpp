// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <bit>
#include <cstdint>
#include <cstring>

#include "proxy/text/swar.hpp"

namespace fusewire::proxy {

// 16 lower-case hexadecimal digits, the highest first.
inline void write_hex(char* to, std::uint64_t value) {
  static_assert(std::endian::native == std::endian::little);
  for (const unsigned shift : {32U, 0U}) {
    words::Word digits = value >> shift & 0xFFFF'FFFF;  // then one in each byte
    digits = (digits << 16 | digits) & 0x0000'FFFF'0000'FFFF;
    digits = (digits << 8 | digits) & 0x00FF'00FF'00FF'00FF;
    digits = (digits << 4 | digits) & words::all(0x0F);
    const words::Word letters = (digits + words::all(6)) >> 4 & words::all(1);
    digits += words::all('0') + letters * ('a' - '0' - 10);
    digits = __builtin_bswap64(digits);
    std::memcpy(to, &digits, sizeof digits);
    to += sizeof digits;
  }
}

}  // namespace fusewire::proxy
