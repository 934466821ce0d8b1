// SPDX-License-Identifier: Apache-2.0
#include "config/printable.hpp"

#include <array>
#include <cstdio>

#include "config/utf8.hpp"

namespace fusewire::config {
namespace {

void append_escape(std::string& out, const char* form, unsigned code) {
  std::array<char, 8> escape{};
  const int n = std::snprintf(escape.data(), escape.size(), form, code);
  out.append(escape.data(), static_cast<std::size_t>(n));
}

}  // namespace

std::string printable(std::string_view text) {
  std::string out;
  out.reserve(text.size());
  while (!text.empty()) {
    const auto character = first_character(text);
    const std::size_t size = character ? character->size : 1;
    if (!character)
      append_escape(out, "\\x%02x", static_cast<unsigned char>(text.front()));
    else if (is_misleading(character->code))
      append_escape(out, "\\u%04x", character->code);
    else
      out += text.substr(0, size);
    text.remove_prefix(size);
  }
  return out;
}

}  // namespace fusewire::config
