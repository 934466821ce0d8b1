// SPDX-License-Identifier: Apache-2.0
// SWAR predicates over eight bytes. Each is true if *some* byte matches; it does not say which.
// After "Bit Twiddling Hacks" by Sean Eron Anderson, "Determine if a word has a byte less than n" and its neighbours.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string_view>

namespace fusewire::proxy::words {

using Word = std::uint64_t;
inline constexpr std::size_t kSize = sizeof(Word);

constexpr Word all(unsigned char byte) { return ~Word{0} / 255 * byte; }

// n <= 128
constexpr bool any_below(Word word, unsigned char n) { return ((word - all(n)) & ~word & all(0x80)) != 0; }
// n < 128
constexpr bool any_above(Word word, unsigned char n) {
  return (((word + all(static_cast<unsigned char>(127 - n))) | word) & all(0x80)) != 0;
}
constexpr bool any_is(Word word, unsigned char byte) { return any_below(word ^ all(byte), 1); }

// How many bytes at the beginning of `text` belong to whole words that `good` accepts.
template <class Good>
std::size_t good_prefix(std::string_view text, Good good) {
  std::size_t at = 0;
  for (Word word = 0; at + kSize <= text.size(); at += kSize) {
    std::memcpy(&word, text.data() + at, kSize);
    if (!good(word)) break;
  }
  return at;
}

}  // namespace fusewire::proxy::words
