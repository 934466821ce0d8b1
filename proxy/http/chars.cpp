// SPDX-License-Identifier: Apache-2.0
#include "proxy/http/chars.hpp"

#include <algorithm>

namespace fusewire::proxy::http {

namespace {

bool is_port_part(std::string_view text) {  // [":" port], which may be empty (RFC 3986 §3.2.3)
  if (text.empty()) return true;
  if (text.front() != ':') return false;
  text.remove_prefix(1);
  return text.size() <= 5 && std::all_of(text.begin(), text.end(), [](char c) { return c >= '0' && c <= '9'; });
}

bool is_ip_literal(std::string_view text) {
  return text.size() >= 4 && std::all_of(text.begin() + 1, text.end() - 1, [](char c) {
           return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F') || c == ':' || c == '.';
         });
}

}  // namespace

bool is_authority(std::string_view text) {
  if (text.empty()) return false;
  if (text.front() != '[') {
    const auto host = detail::prefix_of(text, detail::kRegName);
    return host > 0 && is_port_part(text.substr(host));
  }
  const auto close = text.find(']');
  return close != std::string_view::npos && is_ip_literal(text.substr(0, close + 1)) &&
         is_port_part(text.substr(close + 1));
}

}  // namespace fusewire::proxy::http
