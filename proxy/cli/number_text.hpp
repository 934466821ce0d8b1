// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <charconv>
#include <limits>
#include <string>

namespace fusewire::cli {

// With so many decimals, 9 at most, and no exponent, however large the number is: an admin may answer anything.
inline std::string fixed_text(double number, int decimals) {
  std::array<char, std::numeric_limits<double>::max_exponent10 + 16> digits;
  char* const end =
      std::to_chars(digits.data(), digits.data() + digits.size(), number, std::chars_format::fixed, decimals).ptr;
  return {digits.data(), end};
}

}  // namespace fusewire::cli
