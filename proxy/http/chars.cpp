// SPDX-License-Identifier: Apache-2.0
#include "proxy/http/chars.hpp"

#include <algorithm>

namespace fusewire::proxy::http {

namespace {

bool is_port(std::string_view text) {  // may be empty (RFC 3986 §3.2.3)
  return text.size() <= 5 && std::all_of(text.begin(), text.end(), [](char c) { return c >= '0' && c <= '9'; });
}

bool is_ip_literal(std::string_view text) {
  return text.size() >= 4 && std::all_of(text.begin() + 1, text.end() - 1, [](char c) {
           return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F') || c == ':' || c == '.';
         });
}

}  // namespace

bool is_authority(std::string_view text) {
  if (text.empty() || !detail::all_of(text, detail::kHost)) return false;
  if (text.front() == '[') {
    const auto close = text.find(']');
    if (close == std::string_view::npos || !is_ip_literal(text.substr(0, close + 1))) return false;
    const auto rest = text.substr(close + 1);
    return rest.empty() || (rest.front() == ':' && is_port(rest.substr(1)));
  }
  const auto colon = text.find(':');
  const auto host = text.substr(0, colon);
  if (host.empty() || host.find_first_of("[]") != std::string_view::npos) return false;
  return colon == std::string_view::npos || is_port(text.substr(colon + 1));
}

}  // namespace fusewire::proxy::http
