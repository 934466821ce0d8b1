// SPDX-License-Identifier: Apache-2.0
#include "proxy/net/gather.hpp"

#include <algorithm>

namespace fusewire::proxy {

void Gather::wrote(std::size_t n) {
  while (n > 0) {
    Part& part = parts_[first_];
    const std::size_t taken = std::min(n, part.size_);
    part.data_ += taken;
    part.size_ -= taken;
    n -= taken;
    if (part.size_ == 0) ++first_;
  }
}

std::size_t Gather::size() const {
  std::size_t sum = 0;
  for (const Part& part : parts()) sum += part.size_;
  return sum;
}

}  // namespace fusewire::proxy
