// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <string_view>

namespace fusewire::fuzz {

// clang 14 has no std::source_location.
inline void require(bool holds, const char* file = __builtin_FILE(), int line = __builtin_LINE()) {
  if (holds) return;
  std::fprintf(stderr, "%s:%d: does not hold\n", file, line);
  std::abort();
}

// Bytes in a heap block of exactly their size: a read past their end is seen.
class Exact {
 public:
  explicit Exact(std::string_view text)
      : size_(text.size()), memory_(std::make_unique_for_overwrite<char[]>(text.size())) {
    if (size_ > 0) std::memcpy(memory_.get(), text.data(), size_);
  }
  char* data() { return memory_.get(); }
  std::string_view view() const { return {memory_.get(), size_}; }

 private:
  std::size_t size_;
  std::unique_ptr<char[]> memory_;
};

}  // namespace fusewire::fuzz
