// SPDX-License-Identifier: Apache-2.0
// Fields that end with one hop because a Connection field says so (RFC 9110 §7.6.1).
#pragma once

#include <string_view>

#include "filters/message.hpp"

namespace fusewire {

// Whether some Connection field names this field. Split at each comma, quotes or not: its members are tokens, and what
// forwards a message and what stores it must read it alike.
bool named_by_connection(const Fields&, std::string_view name) noexcept;

}  // namespace fusewire
