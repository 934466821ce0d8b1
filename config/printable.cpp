// SPDX-License-Identifier: Apache-2.0
#include "config/printable.hpp"

#include <array>
#include <cstdio>

#include "config/utf8.hpp"

namespace fusewire::config {
namespace {

struct Character {
  std::size_t size = 1;  // in bytes
  unsigned code = 0;
};

// `rest` is well-formed and not empty.
Character character_at(std::string_view rest) {
  const auto byte = [rest](std::size_t i) { return static_cast<unsigned>(static_cast<unsigned char>(rest[i])); };
  if (byte(0) < 0x80) return {1, byte(0)};
  Character found{byte(0) >= 0xf0 ? 4U : byte(0) >= 0xe0 ? 3U : 2U, 0};
  found.code = byte(0) & (0x7fU >> found.size);
  for (std::size_t i = 1; i < found.size; ++i) found.code = found.code << 6 | (byte(i) & 0x3f);
  return found;
}

void append_escape(std::string& out, const char* form, unsigned code) {
  std::array<char, 8> escape{};
  const int n = std::snprintf(escape.data(), escape.size(), form, code);
  out.append(escape.data(), static_cast<std::size_t>(n));
}

void append_well_formed(std::string& out, std::string_view text) {
  while (!text.empty()) {
    const Character found = character_at(text);
    if (is_misleading(found.code))
      append_escape(out, "\\u%04x", found.code);
    else
      out += text.substr(0, found.size);
    text.remove_prefix(found.size);
  }
}

}  // namespace

std::string printable(std::string_view text) {
  std::string out;
  out.reserve(text.size());
  while (const auto bad = find_bad_utf8(text)) {
    append_well_formed(out, text.substr(0, *bad));
    append_escape(out, "\\x%02x", static_cast<unsigned char>(text[*bad]));
    text.remove_prefix(*bad + 1);
  }
  append_well_formed(out, text);
  return out;
}

}  // namespace fusewire::config
