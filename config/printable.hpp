// SPDX-License-Identifier: Apache-2.0
// Text from elsewhere on its way to a terminal, as one line: what would steer the terminal, or turn the direction of
// writing around, is written as an escape.
#pragma once

#include <string>
#include <string_view>

namespace fusewire::config {

// Control characters (U+0000 to U+001F, U+007F to U+009F) and U+202A to U+202E, U+2066 to U+2069 become \u001b, which
// in JSON is the same text; a byte that is no UTF-8 becomes \x9b.
std::string printable(std::string_view text);

}  // namespace fusewire::config
