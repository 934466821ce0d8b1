// SPDX-License-Identifier: Apache-2.0
#include "filters/connection_field.hpp"

#include <algorithm>

#include "filters/list_field.hpp"

namespace fusewire {

namespace {

// visit(name) for each, until one of them is true.
template <class Visit>
bool any_name(const Fields& fields, Visit visit) noexcept {
  for (const Field& field : fields) {
    if (!iequals(field.name, "connection")) continue;
    for (std::size_t from = 0; from <= field.value.size();) {
      const std::size_t end = std::min(field.value.find(',', from), field.value.size());
      const std::string_view name = trim(field.value.substr(from, end - from));
      if (!name.empty() && visit(name)) return true;
      from = end + 1;
    }
  }
  return false;
}

}  // namespace

ConnectionNames::ConnectionNames(const Fields& fields) noexcept {
  any_name(fields, [this](std::string_view name) {
    names_[count_++] = name;
    return count_ == kMax;
  });
}

bool ConnectionNames::contains(std::string_view name) const noexcept {
  for (std::size_t i = 0; i < count_; ++i)
    if (iequals(names_[i], name)) return true;
  return false;
}

bool named_by_connection(const Fields& fields, std::string_view name) noexcept {
  return any_name(fields, [name](std::string_view named) { return iequals(named, name); });
}

}  // namespace fusewire
