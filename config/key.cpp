// SPDX-License-Identifier: Apache-2.0
#include "config/key.hpp"

#include <algorithm>

namespace fusewire::config {

const Key* find_key(const Shape& shape, std::string_view name) {
  const auto it = std::find_if(shape.keys.begin(), shape.keys.end(), [&](const Key& key) { return key.name == name; });
  return it == shape.keys.end() ? nullptr : &*it;
}

}  // namespace fusewire::config
