// SPDX-License-Identifier: Apache-2.0
// Well-formed UTF-8 (RFC 3629 section 4; Unicode, table 3-7: shortest forms, no surrogates).
#pragma once

#include <cstddef>
#include <optional>
#include <string_view>

namespace fusewire::config {

struct Utf8Character {
  std::size_t size = 1;  // in bytes
  unsigned code = 0;
};

// The character that `text`, which is not empty, begins with; nothing where its first byte is not part of one.
std::optional<Utf8Character> first_character(std::string_view text);

// The offset of the first byte that is not part of well-formed UTF-8.
std::optional<std::size_t> find_bad_utf8(std::string_view text);

}  // namespace fusewire::config
