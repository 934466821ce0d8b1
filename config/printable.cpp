// SPDX-License-Identifier: Apache-2.0
#include "config/printable.hpp"

#include <algorithm>
#include <array>
#include <cstdio>

#include "config/utf8.hpp"

namespace fusewire::config {
namespace {

struct Steering {
  std::size_t size = 0;  // in bytes; 0: the character steers nothing
  unsigned code = 0;
};

// `rest` is well-formed and not empty.
Steering steering_at(std::string_view rest) {
  const auto byte = [rest](std::size_t i) { return static_cast<unsigned>(static_cast<unsigned char>(rest[i])); };
  if (byte(0) < 0x20 || byte(0) == 0x7f) return {1, byte(0)};
  if (byte(0) == 0xc2 && byte(1) < 0xa0) return {2, byte(1)};
  if (byte(0) != 0xe2) return {};
  const unsigned code = 0x2000 + (byte(1) - 0x80) * 64 + (byte(2) - 0x80);
  const bool turns = (code >= 0x202a && code <= 0x202e) || (code >= 0x2066 && code <= 0x2069);
  return turns ? Steering{3, code} : Steering{};
}

void append_escape(std::string& out, const char* form, unsigned code) {
  std::array<char, 8> escape{};
  const int n = std::snprintf(escape.data(), escape.size(), form, code);
  out.append(escape.data(), static_cast<std::size_t>(n));
}

void append_well_formed(std::string& out, std::string_view text) {
  while (!text.empty()) {
    const Steering found = steering_at(text);
    if (found.size > 0)
      append_escape(out, "\\u%04x", found.code);
    else
      out += text.front();
    text.remove_prefix(std::max<std::size_t>(found.size, 1));
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
