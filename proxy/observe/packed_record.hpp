// SPDX-License-Identifier: Apache-2.0
// How a finished request becomes bytes, and is read back: facts as they lie in memory, each followed by its texts.
#pragma once

#include <cstddef>
#include <cstring>
#include <span>
#include <string_view>
#include <type_traits>

#include "proxy/observe/journal_entry.hpp"

namespace fusewire::proxy {

// Writes into room that it does not own. What does not fit is refused, and nothing of it is written.
class Packer {
 public:
  Packer(std::byte* room, std::size_t size) : begin_(room), at_(room), end_(room + size) {}

  std::size_t size() const { return static_cast<std::size_t>(at_ - begin_); }
  std::size_t left() const { return static_cast<std::size_t>(end_ - at_); }

  template <class T>
  std::byte* put(const T& facts) {
    static_assert(std::is_trivially_copyable_v<T>);
    std::byte* const where = at_;
    std::memcpy(at_, &facts, sizeof facts);
    at_ += sizeof facts;
    return where;
  }
  void put(std::string_view text) {
    copy(text.data(), text.size());
    at_ += text.size();
  }
  // Over what put() has written.
  template <class T>
  static void rewrite(std::byte* where, const T& facts) {
    std::memcpy(where, &facts, sizeof facts);
  }

 private:
  // Most texts are short: two words that overlap, without a call.
  void copy(const char* text, std::size_t size) {
    if (size > 32) {
      std::memcpy(at_, text, size);
    } else if (size >= 16) {
      copy_ends<16>(text, size);
    } else if (size >= 8) {
      copy_ends<8>(text, size);
    } else if (size >= 4) {
      copy_ends<4>(text, size);
    } else {
      for (std::size_t i = 0; i < size; ++i) at_[i] = static_cast<std::byte>(text[i]);
    }
  }
  template <std::size_t N>
  void copy_ends(const char* text, std::size_t size) {
    std::memcpy(at_, text, N);
    std::memcpy(at_ + size - N, text + size - N, N);
  }

  std::byte* begin_;
  std::byte* at_;
  std::byte* end_;
};

inline constexpr std::size_t kMaxRecord = 4096;

// Not longer than `most`; what is cut off is not missed by those who read a length in a byte.
constexpr std::string_view cut(std::string_view text, std::size_t most) { return text.substr(0, most); }

JournalEntry unpack(std::span<const std::byte> record);
// Without reading the rest.
RequestFacts facts_of(std::span<const std::byte> record);
std::string_view id_of(std::span<const std::byte> record);

}  // namespace fusewire::proxy
