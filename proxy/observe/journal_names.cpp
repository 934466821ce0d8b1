// SPDX-License-Identifier: Apache-2.0
#include "proxy/observe/journal_names.hpp"

#include <cstring>

namespace fusewire::proxy {

void NamePair::write(std::byte* to) const {
  to[0] = static_cast<std::byte>(first.size());
  to[1] = static_cast<std::byte>(second.size());
  std::memcpy(to + 2, first.data(), first.size());
  std::memcpy(to + 2 + first.size(), second.data(), second.size());
}

NamePair Names::at(std::uint16_t distance) const {
  if (distance == 0) return {};
  const std::byte* const pair = begin_ + distance;
  const auto* const text = reinterpret_cast<const char*>(pair + 2);
  const auto first = std::to_integer<std::size_t>(pair[0]);
  return {{text, first}, {text + first, std::to_integer<std::size_t>(pair[1])}};
}

}  // namespace fusewire::proxy
