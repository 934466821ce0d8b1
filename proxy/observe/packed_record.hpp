// SPDX-License-Identifier: Apache-2.0
// How a finished request becomes bytes, and is read back: facts as they lie in memory, each followed by its texts.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <new>
#include <span>
#include <string>
#include <string_view>
#include <type_traits>

#include "proxy/observe/journal_chunk.hpp"
#include "proxy/observe/journal_entry.hpp"

namespace fusewire::proxy {

// Writes into room that it does not own, and that begins at a multiple of kAlignment. It is for the caller to know that
// there is enough.
class Packer {
 public:
  static constexpr std::size_t kAlignment = 8;

  Packer(std::byte* room, std::size_t size) : begin_(room), at_(room), end_(room + size) {}

  std::size_t size() const { return static_cast<std::size_t>(at_ - begin_); }
  std::size_t left() const { return static_cast<std::size_t>(end_ - at_); }

  // What `make` returns is made at its place, where it may be changed.
  template <class Make>
  auto& put(Make make) {
    using T = decltype(make());
    static_assert(std::is_trivially_copyable_v<T> && alignof(T) <= kAlignment && sizeof(T) % kAlignment == 0);
    T* const where = ::new (static_cast<void*>(at_)) T(make());
    at_ += sizeof(T);
    return *where;
  }
  // Several texts, each behind the other; their lengths go to `lengths`. Up to kAlignment bytes are left out behind
  // them.
  template <class... Text>
  void put(std::uint8_t* lengths, const Text&... texts) {
    std::byte* at = at_;
    ((*lengths++ = static_cast<std::uint8_t>(texts.size()), at = copy(at, texts.data(), texts.size())), ...);
    at_ = at + (-reinterpret_cast<std::uintptr_t>(at) % kAlignment);
  }

 private:
  // Most texts are short: two words that overlap, without a call.
  static std::byte* copy(std::byte* at, const char* text, std::size_t size) {
    if (size >= 16)
      size > 32 ? static_cast<void>(std::memcpy(at, text, size)) : copy_ends<16>(at, text, size);
    else if (size >= 4)
      size >= 8 ? copy_ends<8>(at, text, size) : copy_ends<4>(at, text, size);
    else if (size != 0)
      size >= 2 ? copy_ends<2>(at, text, size) : copy_ends<1>(at, text, size);
    return at + size;
  }
  template <std::size_t N>
  static void copy_ends(std::byte* at, const char* text, std::size_t size) {
    std::memcpy(at, text, N);
    std::memcpy(at + size - N, text + size - N, N);
  }

  std::byte* begin_;
  std::byte* at_;
  std::byte* end_;
};

// Not longer than `most`; what is cut off is not missed by those who read a length in a byte.
constexpr std::string_view cut(std::string_view text, std::size_t most) {
  return {text.data(), text.size() < most ? text.size() : most};
}

JournalEntry unpack(std::span<const std::byte> record, Names);
// In a chunk of its own choice, with the names that it refers to.
void copy_record(std::span<const std::byte> record, Names, JournalChunk& to);
// With its names behind it: unpack_alone() reads it.
std::string alone(std::span<const std::byte> record, Names);
JournalEntry unpack_alone(std::string_view record);
// Without reading the rest.
RequestFacts facts_of(std::span<const std::byte> record);
std::string_view id_of(std::span<const std::byte> record);

}  // namespace fusewire::proxy
