// SPDX-License-Identifier: Apache-2.0
#include "proxy/upstream/host_rewrite.hpp"

#include <algorithm>

namespace fusewire::proxy {

namespace {

using Kind = config::HostRewrite::Kind;

constexpr bool is_digit(char c) noexcept { return c >= '0' && c <= '9'; }

std::string_view without_port(std::string_view authority) noexcept {
  const std::size_t colon = authority.rfind(':');
  return colon == std::string_view::npos ? authority : authority.substr(0, colon);
}

// Its own length before each part: no two lists of parts give one text.
void append_part(std::string& out, std::string_view part) {
  out.append(std::to_string(part.size())).append(":").append(part);
}

}  // namespace

bool is_own_address(std::string_view authority) noexcept {
  if (authority.empty()) return false;
  if (authority.front() == '[') return true;
  const char last_character = authority.back();
  if (!is_digit(last_character) && last_character != '.' && last_character != ':')
    return iequals(authority, "localhost");
  std::string_view host = without_port(authority);
  if (host.ends_with('.')) host.remove_suffix(1);
  if (host.empty()) return false;
  if (!is_digit(host.back())) return iequals(host, "localhost");
  const std::string_view last = host.substr(host.rfind('.') + 1);  // npos + 1 is 0
  return std::all_of(last.begin(), last.end(), is_digit);
}

std::string_view host_sent(const config::HostRewrite& rewrite, const Request& request,
                           const EndpointState& endpoint) noexcept {
  const std::string_view asked = request.authority;
  switch (rewrite.kind) {
    case Kind::automatic:
      return endpoint.tls || asked.empty() || is_own_address(asked) ? endpoint.authority : asked;
    case Kind::preserve:
      return asked.empty() ? endpoint.authority : asked;
    case Kind::endpoint:
      return endpoint.authority;
    case Kind::name:
      break;
  }
  return rewrite.name;
}

std::string cache_scope(const config::Listener& listener, const config::Route& route) {
  std::string scope;
  if (listener.address.port != 0) {  // goes upstream as X-Forwarded-Port
    append_part(scope, "port");
    append_part(scope, std::to_string(listener.address.port));
  }
  if (route.host.kind != Kind::automatic) {
    append_part(scope, "host");
    append_part(scope, std::to_string(static_cast<int>(route.host.kind)));
    append_part(scope, route.host.name);
  }
  for (const auto& [name, value] : route.match.headers) {
    append_part(scope, "header");
    append_part(scope, name);
    append_part(scope, value);
  }
  if (listener.tls && !listener.tls->client_ca.empty()) {
    append_part(scope, "client_ca");
    append_part(scope, listener.tls->client_ca);
  }
  return scope;
}

}  // namespace fusewire::proxy
