// SPDX-License-Identifier: Apache-2.0
// Authentication of the connection: NTLM, Negotiate (RFC 4559) and Kerberos authenticate a connection and not a
// request, against RFC 9110 §11.2. The next request on such a connection is served as that of the user who has signed
// in on it.
#pragma once

#include <cstdint>
#include <string_view>

#include "filters/message.hpp"

namespace fusewire::proxy::http {

// Authorization, WWW-Authenticate and the same two of proxies.
constexpr bool is_authentication(FieldId id) {
  constexpr auto bit = [](FieldId one) { return std::uint64_t{1} << static_cast<unsigned>(one); };
  constexpr auto kBits = bit(FieldId::authorization) | bit(FieldId::www_authenticate) |
                         bit(FieldId::proxy_authorization) | bit(FieldId::proxy_authenticate);
  return (kBits >> static_cast<unsigned>(id) & 1) != 0;
}

// Whether the value of such a field, credentials or a list of challenges, names one of these schemes. In a quoted
// string of another scheme's parameters it may find one that is not there; that costs a place in the pool and no more.
bool authenticates_connection(std::string_view value);

}  // namespace fusewire::proxy::http
