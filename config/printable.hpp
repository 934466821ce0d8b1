// SPDX-License-Identifier: Apache-2.0
// Text from elsewhere on its way to a terminal, as one line: what would steer the terminal, or turn the direction of
// writing around, is written as an escape.
#pragma once

#include <string>
#include <string_view>

namespace fusewire::config {

// Whether a character steers a terminal (C0 and C1 controls), ends a line for some readers (U+2028, U+2029), or shows
// text in another order than it has (U+061C, U+200E, U+200F, U+202A to U+202E, U+2066 to U+2069).
constexpr bool is_misleading(unsigned code) {
  return code < 0x20 || (code >= 0x7F && code < 0xA0) || code == 0x061C || code == 0x200E || code == 0x200F ||
         (code >= 0x2028 && code <= 0x202E) || (code >= 0x2066 && code <= 0x2069);
}

// Such characters become \u001b, which in JSON is the same text; a byte that is no UTF-8 becomes \x9b.
std::string printable(std::string_view text);

}  // namespace fusewire::config
