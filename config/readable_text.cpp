// SPDX-License-Identifier: Apache-2.0
#include "config/readable_text.hpp"

#include <algorithm>

#include "config/utf8.hpp"

namespace fusewire::config {
namespace {

bool is_control(char c) {
  const auto byte = static_cast<unsigned char>(c);
  return (byte < 0x20 && c != '\t' && c != '\n' && c != '\r') || byte == 0x7f;
}

}  // namespace

std::optional<Unreadable> find_unreadable(std::string_view text) {
  if (const auto bad = find_bad_utf8(text)) return Unreadable{*bad, "not valid UTF-8"};
  const auto control = std::find_if(text.begin(), text.end(), is_control);
  if (control == text.end()) return std::nullopt;
  return Unreadable{static_cast<std::size_t>(control - text.begin()), "a control character"};
}

Place place_of(std::string_view text, std::size_t offset) {
  Place place;
  for (char c : text.substr(0, offset)) {
    place.column = c == '\n' ? 1 : place.column + 1;
    if (c == '\n') ++place.line;
  }
  return place;
}

}  // namespace fusewire::config
