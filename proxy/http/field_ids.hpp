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

// Whether a field may stand in a trailer section: not what frames or routes the message, speaks for a peer, or says how
// to treat the content (RFC 9110 §6.5.1). A receiver that merges trailers into the head must not take one for it.
bool may_be_trailer(const Field&);

}  // namespace fusewire::proxy::http
