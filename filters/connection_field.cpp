// SPDX-License-Identifier: Apache-2.0
#include "filters/connection_field.hpp"

#include <algorithm>

#include "filters/list_field.hpp"

namespace fusewire {

namespace {

// visit(name) for each, until one of them is true.
template <class Visit>
bool any_name(std::string_view list, Visit visit) noexcept {
  for (std::size_t from = 0; from <= list.size();) {
    const std::size_t end = std::min(list.find(',', from), list.size());
    const std::string_view name = trim(list.substr(from, end - from));
    if (!name.empty() && visit(name)) return true;
    from = end + 1;
  }
  return false;
}

template <class Visit>
bool any_name(const Fields& fields, Visit visit) noexcept {
  for (const Field& field : fields)
    if (iequals(field.name, "connection") && any_name(field.value, visit)) return true;
  return false;
}

}  // namespace

ConnectionNames::ConnectionNames(const Fields& fields) noexcept {
  any_name(fields, [this](std::string_view name) { return add(name); });
}

ConnectionNames::ConnectionNames(std::string_view list) noexcept {
  any_name(list, [this](std::string_view name) { return add(name); });
}

bool ConnectionNames::add(std::string_view name) noexcept {
  names_[count_++] = name;
  return count_ == kMax;
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
