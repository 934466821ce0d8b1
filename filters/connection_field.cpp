// SPDX-License-Identifier: Apache-2.0
#include "filters/connection_field.hpp"

#include <algorithm>

#include "filters/list_field.hpp"

namespace fusewire {

ConnectionNames::ConnectionNames(const Fields& fields) noexcept {
  for (const Field& field : fields) {
    if (!iequals(field.name, "connection")) continue;
    for (std::size_t from = 0; from <= field.value.size();) {
      const std::size_t end = std::min(field.value.find(',', from), field.value.size());
      const std::string_view name = trim(field.value.substr(from, end - from));
      if (!name.empty() && count_ < kMax) names_[count_++] = name;
      from = end + 1;
    }
  }
}

bool ConnectionNames::contains(std::string_view name) const noexcept {
  for (std::size_t i = 0; i < count_; ++i)
    if (iequals(names_[i], name)) return true;
  return false;
}

bool named_by_connection(const Fields& fields, std::string_view name) noexcept {
  return ConnectionNames(fields).contains(name);
}

}  // namespace fusewire
