// SPDX-License-Identifier: Apache-2.0
// Fields that end with one hop because a Connection field says so (RFC 9110 §7.6.1).
#pragma once

#include <string_view>

#include "filters/message.hpp"

namespace fusewire {

// Whether some Connection field names this field. The value is split at each comma, even inside quotes: its members are
// tokens, and the code that forwards a message must read it as the code that stores it does.
bool named_by_connection(const Fields&, std::string_view name) noexcept;

}  // namespace fusewire
