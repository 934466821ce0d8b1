// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string_view>

#include "filters/message.hpp"

namespace fusewire::proxy::http {

// Which of the fields that the proxy treats itself this name is, or reads like (`lookalike`); `other` for all the rest.
// Case-blind.
FieldId field_id(std::string_view name);

// Fields that end with this hop whatever Connection says (RFC 9110 §7.6.1). Trailer is not one: trailers pass.
constexpr bool is_hop_by_hop(FieldId id) {
  switch (id) {
    case FieldId::connection:
    case FieldId::keep_alive:
    case FieldId::proxy_connection:
    case FieldId::te:
    case FieldId::transfer_encoding:
    case FieldId::upgrade:
      return true;
    default:
      return false;
  }
}

}  // namespace fusewire::proxy::http
