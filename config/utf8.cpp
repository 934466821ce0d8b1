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

std::optional<std::size_t> find_bad_utf8(std::string_view text) {
  const auto byte = [&](std::size_t i) { return static_cast<unsigned char>(text[i]); };
  for (std::size_t at = 0; at < text.size();) {
    const Sequence sequence = sequence_of(byte(at));
    if (sequence.length == 0 || sequence.length > text.size() - at) return at;
    for (std::size_t i = 1; i < sequence.length; ++i) {
      const bool second = i == 1;
      if (byte(at + i) < (second ? sequence.low : 0x80) || byte(at + i) > (second ? sequence.high : 0xbf)) return at;
    }
    at += sequence.length;
  }
  return std::nullopt;
}

}  // namespace fusewire::config
