// SPDX-License-Identifier: Apache-2.0
// Character classes of RFC 9110 §5.6.2 and RFC 9112, one table look-up a character.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "proxy/text/swar.hpp"

namespace fusewire::proxy::http {

namespace detail {

constexpr std::uint8_t kToken = 1;
constexpr std::uint8_t kValue = 2;
constexpr std::uint8_t kTarget = 4;
constexpr std::uint8_t kRegName = 8;

constexpr std::array<std::uint8_t, 256> char_classes() {
  std::array<std::uint8_t, 256> table{};
  const auto mark = [&table](std::string_view chars, std::uint8_t bits) {
    for (char c : chars) table[static_cast<unsigned char>(c)] |= bits;
  };
  constexpr std::string_view kAlnum = "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ";
  mark(kAlnum, kToken | kRegName);
  mark("!#$%&'*+-.^_`|~", kToken);
  mark("-._~!$&'()*+,;=%", kRegName);
  for (unsigned c = 0x21; c <= 0xff; ++c)
    if (c != 0x7f) table[c] |= kValue | (c == '#' ? 0 : kTarget);
  mark(" \t", kValue);
  return table;
}
inline constexpr auto kCharClasses = char_classes();

constexpr std::size_t prefix_of(std::string_view text, std::uint8_t bits) {
  std::size_t size = 0;
  while (size < text.size() && (kCharClasses[static_cast<unsigned char>(text[size])] & bits) != 0) ++size;
  return size;
}
constexpr bool all_of(std::string_view text, std::uint8_t bits) { return prefix_of(text, bits) == text.size(); }

}  // namespace detail

// How many characters at the beginning are tchar.
constexpr std::size_t token_prefix(std::string_view text) { return detail::prefix_of(text, detail::kToken); }
// Non-empty and only tchar.
constexpr bool is_token(std::string_view text) { return !text.empty() && detail::all_of(text, detail::kToken); }
// Only VCHAR, obs-text, SP and HTAB. Values are the longest part of a head: they are read by words.
inline bool is_field_value(std::string_view text) {
  const auto plain = [](words::Word word) { return !words::any_below(word, 0x20) && !words::any_is(word, 0x7f); };
  return detail::all_of(text.substr(words::good_prefix(text, plain)), detail::kValue);
}
// No CTL, no space, no fragment.
constexpr bool is_target(std::string_view text) { return !text.empty() && detail::all_of(text, detail::kTarget); }

// host [":" port] without userinfo; the host must not be empty (RFC 9110 §4.2.1, §7.2).
bool is_authority(std::string_view text);

constexpr std::string_view trim(std::string_view text) {
  while (!text.empty() && (text.front() == ' ' || text.front() == '\t')) text.remove_prefix(1);
  while (!text.empty() && (text.back() == ' ' || text.back() == '\t')) text.remove_suffix(1);
  return text;
}

// The next element of a comma-separated list, trimmed; takes it off `list`. Empty elements are given too.
constexpr std::string_view next_element(std::string_view& list) {
  const auto comma = list.find(',');
  const auto element = list.substr(0, comma);
  list = comma == std::string_view::npos ? std::string_view{} : list.substr(comma + 1);
  return trim(element);
}

}  // namespace fusewire::proxy::http
