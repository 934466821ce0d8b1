// SPDX-License-Identifier: Apache-2.0
#include "proxy/http/authentication.hpp"

#include <array>

#include "proxy/http/chars.hpp"

namespace fusewire::proxy::http {

bool authenticates_connection(std::string_view value) {
  constexpr std::array<std::string_view, 3> kSchemes = {"ntlm", "negotiate", "kerberos"};
  while (!value.empty()) {
    const auto element = next_element(value);
    if (iequals_any(element.substr(0, token_prefix(element)), kSchemes)) return true;
  }
  return false;
}

}  // namespace fusewire::proxy::http
