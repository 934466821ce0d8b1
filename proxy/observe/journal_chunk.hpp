// SPDX-License-Identifier: Apache-2.0
// A piece of the journal: packed records one after the other, and at its other end the names that they refer to.
#pragma once

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>

#include "proxy/observe/journal_names.hpp"

namespace fusewire::proxy {

inline constexpr std::size_t kMaxRecord = 4096;

// One thread writes; others read what is complete: records and names do not change once end_ is behind the record.
// Records begin at multiples of 8, each behind its size. Names are written from the end towards them, and a record says
// where they are: at their distance from the chunk's beginning, which is never 0.
class JournalChunk {
 public:
  static constexpr std::size_t kBytes = std::size_t{64} * 1024 - 8;
  // What one record may add to the names. More than that need not find room.
  static constexpr std::size_t kNamesRoom = 4 * NamePair::kMaxBytes;

  bool has_room() const { return names_ - used_ >= kMaxRecord + sizeof(Size) + kNamesRoom; }
  std::byte* room() { return bytes_.data() + used_ + sizeof(Size); }  // kMaxRecord bytes
  void commit(std::size_t size) {
    const Size prefix = size;
    std::memcpy(bytes_.data() + used_, &prefix, sizeof prefix);
    used_ += sizeof prefix + round_up(size);
    ++count_;
    end_.store(used_, std::memory_order_release);
  }
  // For the record that is being written. 0: there is no room for them.
  std::uint16_t put(const NamePair& pair) {
    const NamePair cut = pair.cut();
    if (names_ - used_ < kMaxRecord + sizeof(Size) + cut.bytes()) return 0;
    names_ -= cut.bytes();
    cut.write(bytes_.data() + names_);
    return static_cast<std::uint16_t>(names_);
  }

  std::size_t count() const { return count_; }  // the writer's, or of a chunk that is full
  Names names() const { return Names(bytes_.data()); }
  // The oldest first.
  template <class Do>
  void for_each(Do what) const {
    const std::size_t end = end_.load(std::memory_order_acquire);
    for (std::size_t at = 0; at < end;) {
      Size size = 0;
      std::memcpy(&size, bytes_.data() + at, sizeof size);
      what(std::span(bytes_.data() + at + sizeof size, size));
      at += sizeof size + round_up(size);
    }
  }
  void clear() {
    used_ = count_ = 0;
    names_ = kBytes;
    end_.store(0, std::memory_order_relaxed);
  }

 private:
  using Size = std::uint64_t;
  static constexpr std::size_t round_up(std::size_t size) { return (size + 7) & ~std::size_t{7}; }

  std::atomic<std::size_t> end_{0};
  std::size_t used_ = 0;
  std::size_t names_ = kBytes;  // from here on
  std::size_t count_ = 0;
  alignas(8) std::array<std::byte, kBytes> bytes_;  // up to end_, and from names_ on
};

}  // namespace fusewire::proxy
