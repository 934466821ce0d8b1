// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <cstddef>
#include <span>
#include <string_view>

namespace fusewire::proxy {

// What is left of a message to be written: up to kParts pieces of memory that the caller keeps alive.
class Gather {
 public:
  static constexpr std::size_t kParts = 4;
  class Part {
   public:
    const void* data() const { return data_; }
    std::size_t size() const { return size_; }

   private:
    friend class Gather;
    const char* data_;
    std::size_t size_;
  };
  using Parts = std::span<const Part>;

  void clear() { first_ = count_ = 0; }
  void add(std::string_view piece) {
    if (piece.empty()) return;
    Part& part = parts_[count_++];
    part.data_ = piece.data();
    part.size_ = piece.size();
  }
  Parts parts() const { return {parts_.data() + first_, count_ - first_}; }
  bool done() const { return first_ == count_; }
  std::size_t size() const;
  void wrote(std::size_t n);

 private:
  std::array<Part, kParts> parts_;  // the first count_ are set
  std::size_t first_ = 0;
  std::size_t count_ = 0;
};

}  // namespace fusewire::proxy
