// SPDX-License-Identifier: Apache-2.0
#include "config/utf8.hpp"

namespace fusewire::config {
namespace {

// Length of the sequence that `lead` begins, with the bounds of its second byte (Unicode, table 3-7); 0: none.
struct Sequence {
  std::size_t length;
  unsigned char low = 0x80;
  unsigned char high = 0xbf;
};

Sequence sequence_of(unsigned char lead) {
  if (lead < 0x80) return {1};
  if (lead >= 0xc2 && lead <= 0xdf) return {2};
  if (lead == 0xe0) return {3, 0xa0, 0xbf};
  if (lead == 0xed) return {3, 0x80, 0x9f};
  if (lead >= 0xe1 && lead <= 0xef) return {3};
  if (lead == 0xf0) return {4, 0x90, 0xbf};
  if (lead >= 0xf1 && lead <= 0xf3) return {4};
  if (lead == 0xf4) return {4, 0x80, 0x8f};
  return {0};
}

}  // namespace

std::optional<Utf8Character> first_character(std::string_view text) {
  const auto byte = [&](std::size_t i) { return static_cast<unsigned char>(text[i]); };
  const Sequence sequence = sequence_of(byte(0));
  if (sequence.length == 0 || sequence.length > text.size()) return std::nullopt;
  if (sequence.length == 1) return Utf8Character{1, byte(0)};
  if (byte(1) < sequence.low || byte(1) > sequence.high) return std::nullopt;
  unsigned code = byte(0) & (0x7fU >> sequence.length);
  for (std::size_t i = 1; i < sequence.length; ++i) {
    if (byte(i) < 0x80 || byte(i) > 0xbf) return std::nullopt;
    code = code << 6 | (byte(i) & 0x3fU);
  }
  return Utf8Character{sequence.length, code};
}

std::optional<std::size_t> find_bad_utf8(std::string_view text) {
  for (std::size_t at = 0; at < text.size();) {
    const auto character = first_character(text.substr(at));
    if (!character) return at;
    at += character->size;
  }
  return std::nullopt;
}

}  // namespace fusewire::config
