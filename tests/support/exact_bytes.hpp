// SPDX-License-Identifier: Apache-2.0
// Bytes in a heap block of exactly their size, so that a sanitizer sees any read past their end.
#pragma once

#include <cstring>
#include <memory>
#include <string_view>

namespace fusewire::testing {

class ExactBytes {
 public:
  explicit ExactBytes(std::string_view text)
      : size_(text.size()), memory_(std::make_unique_for_overwrite<char[]>(text.size())) {
    if (size_ > 0) std::memcpy(memory_.get(), text.data(), size_);
  }
  char* data() { return memory_.get(); }
  std::string_view view() const { return {memory_.get(), size_}; }

 private:
  std::size_t size_;
  std::unique_ptr<char[]> memory_;
};

}  // namespace fusewire::testing
