// SPDX-License-Identifier: Apache-2.0
#include "filters/connection_field.hpp"

#include "filters/list_field.hpp"

namespace fusewire {

bool named_by_connection(const Fields& fields, std::string_view name) noexcept {
  for (const Field& field : fields) {
    if (!iequals(field.name, "connection")) continue;
    for (std::size_t from = 0; from <= field.value.size();) {
      const std::size_t comma = field.value.find(',', from);
      if (iequals(trim(field.value.substr(from, comma - from)), name)) return true;
      if (comma == std::string_view::npos) break;
      from = comma + 1;
    }
  }
  return false;
}

}  // namespace fusewire
