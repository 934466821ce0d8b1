// SPDX-License-Identifier: Apache-2.0
// Field values that are lists: members apart, quoted strings respected (RFC 9110 §5.6.1, §5.6.4).
#pragma once

#include <cstddef>
#include <string_view>

#include "filters/message.hpp"

namespace fusewire {

constexpr std::string_view trim(std::string_view text) noexcept {
  constexpr std::string_view kWhite = " \t";
  const std::size_t first = text.find_first_not_of(kWhite);
  if (first == std::string_view::npos) return {};
  return text.substr(first, text.find_last_not_of(kWhite) - first + 1);
}

// The end of the member that begins at `from`: the next `separator` outside quotes, or the value's end.
// npos: a quoted string that never ends.
constexpr std::size_t member_end(std::string_view value, std::size_t from, char separator) noexcept {
  bool quoted = false;
  for (std::size_t i = from; i < value.size(); ++i) {
    if (quoted && value[i] == '\\') {
      ++i;
    } else if (value[i] == '"') {
      quoted = !quoted;
    } else if (!quoted && value[i] == separator) {
      return i;
    }
  }
  return quoted ? std::string_view::npos : value.size();
}

// visit(member) for each member that is not empty, trimmed. False when the value is malformed (an open quote): what
// came before it has been visited.
template <class Visit>
constexpr bool for_each_member(std::string_view value, char separator, Visit&& visit) {
  for (std::size_t from = 0; from <= value.size();) {
    const std::size_t end = member_end(value, from, separator);
    if (end == std::string_view::npos) return false;
    if (const std::string_view member = trim(value.substr(from, end - from)); !member.empty()) visit(member);
    from = end + 1;
  }
  return true;
}

// The same over all fields of one name (they are one list, RFC 9110 §5.3).
template <class Visit>
bool for_each_member(const Fields& fields, std::string_view name, Visit&& visit) {
  bool well_formed = true;
  for (const Field& field : fields)
    if (iequals(field.name, name)) well_formed = for_each_member(field.value, ',', visit) && well_formed;
  return well_formed;
}

}  // namespace fusewire
