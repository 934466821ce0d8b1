// SPDX-License-Identifier: Apache-2.0
#include "proxy/net/gather.hpp"

#include <algorithm>

namespace fusewire::proxy {

void Gather::wrote(std::size_t n) {
  while (n > 0) {
    auto& part = parts_[first_];
    const std::size_t taken = std::min(n, part.size());
    part += taken;
    n -= taken;
    if (part.size() == 0) ++first_;
  }
}

}  // namespace fusewire::proxy
