// SPDX-License-Identifier: Apache-2.0
#include "proxy/observe/journal_names.hpp"

namespace fusewire::proxy {

void NamePair::write(std::byte* to) const {
  to[0] = static_cast<std::byte>(first.size());
  to[1] = static_cast<std::byte>(second.size());
  auto* const text = reinterpret_cast<char*>(to + 2);  // an empty view may have no data, which memcpy must not get
  first.copy(text, first.size());
  second.copy(text + first.size(), second.size());
}

NamePair Names::at(std::uint16_t distance) const {
  if (distance == 0) return {};
  const std::byte* const pair = begin_ + distance;
  const auto* const text = reinterpret_cast<const char*>(pair + 2);
  const auto first = std::to_integer<std::size_t>(pair[0]);
  return {{text, first}, {text + first, std::to_integer<std::size_t>(pair[1])}};
}

}  // namespace fusewire::proxy
