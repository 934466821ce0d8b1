// SPDX-License-Identifier: Apache-2.0
// What a YAML text may consist of: well-formed UTF-8 without control characters. The library takes the
// end-of-transmission byte for the end of the file and guesses at other encodings.
#pragma once

#include <cstddef>
#include <optional>
#include <string_view>

namespace fusewire::config {

struct Unreadable {
  std::size_t offset = 0;
  std::string_view why;  // "not valid UTF-8"
};
std::optional<Unreadable> find_unreadable(std::string_view text);

struct Place {
  int line = 1;
  int column = 1;
};
Place place_of(std::string_view text, std::size_t offset);

}  // namespace fusewire::config
