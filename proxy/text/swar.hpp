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

// Whether `good` accepts all of `text`: the last word overlaps the one before it, and a text shorter than a word is
// judged as a word that has no other bytes.
template <class Good>
bool all_good(std::string_view text, Good good) {
  const std::size_t size = text.size();
  Word word = 0;
  if (size >= kSize) {
    if (good_prefix(text, good) < size / kSize * kSize) return false;
    std::memcpy(&word, text.data() + size - kSize, kSize);
  } else if (size >= kSize / 2) {
    std::memcpy(&word, text.data(), kSize / 2);
    std::memcpy(reinterpret_cast<char*>(&word) + kSize / 2, text.data() + size - kSize / 2, kSize / 2);
  } else if (size > 0) {
    word = all(static_cast<unsigned char>(text[0]));
    std::memcpy(&word, text.data() + size / 2, 1);
    std::memcpy(reinterpret_cast<char*>(&word) + 1, text.data() + size - 1, 1);
  } else {
    return true;
  }
  return good(word);
}

// Copies `text` while `good` accepts its words, as all_good() reads them. False: it did not accept one; only a part, or
// nothing, has been copied.
template <class Good>
bool copy_good(std::string_view text, char* to, Good good) {
  const std::size_t size = text.size();
  Word word = 0;
  if (size < kSize) {
    if (!all_good(text, good)) return false;
    if (size >= kSize / 2) {
      std::memcpy(to, text.data(), kSize / 2);
      std::memcpy(to + size - kSize / 2, text.data() + size - kSize / 2, kSize / 2);
    } else if (size > 0) {
      for (const std::size_t at : {std::size_t{0}, size / 2, size - 1}) to[at] = text[at];
    }
    return true;
  }
  for (std::size_t at = 0; at + kSize <= size; at += kSize) {
    std::memcpy(&word, text.data() + at, kSize);
    if (!good(word)) return false;
    std::memcpy(to + at, &word, kSize);
  }
  std::memcpy(&word, text.data() + size - kSize, kSize);
  std::memcpy(to + size - kSize, &word, kSize);
  return good(word);
}

}  // namespace fusewire::proxy::words
