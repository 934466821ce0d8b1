// SPDX-License-Identifier: Apache-2.0
// Fields that end with one hop because a Connection field says so (RFC 9110 §7.6.1).
#pragma once

#include <array>
#include <cstddef>
#include <string_view>

#include "filters/message.hpp"

namespace fusewire {

// The names in a message's Connection fields, gathered once for all that asks about each of its fields. A value is
// split at each comma, even inside quotes: its members are tokens, and the code that forwards a message must read it as
// the code that stores it does. The views are the fields'.
class ConnectionNames {
 public:
  static constexpr std::size_t kMax = 100;  // the parser refuses a message with more

  explicit ConnectionNames(const Fields&) noexcept;
  explicit ConnectionNames(std::string_view list) noexcept;  // the values of all Connection fields, joined by commas
  bool contains(std::string_view name) const noexcept;

 private:
  bool add(std::string_view name) noexcept;  // true: there is no room for another

  std::array<std::string_view, kMax> names_;  // the first `count_`
  std::size_t count_ = 0;
};

// Of one field alone.
bool named_by_connection(const Fields&, std::string_view name) noexcept;

}  // namespace fusewire
