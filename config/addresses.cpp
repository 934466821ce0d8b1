// SPDX-License-Identifier: Apache-2.0
#include "config/addresses.hpp"

#include <arpa/inet.h>

#include <algorithm>
#include <cstring>

#include "config/scalars.hpp"

namespace fusewire::config {
namespace {

constexpr std::size_t kLongestName = 253;
constexpr std::size_t kLongestUnixPath = 107;  // sockaddr_un, with its closing zero
constexpr std::uint16_t kHttpPort = 80;
constexpr std::uint16_t kHttpsPort = 443;
constexpr std::string_view kEndpointForms = "expected http://HOST[:PORT], https://HOST[:PORT] or unix:/path";
constexpr unsigned kMappedBits = 96;

bool inet(int family, std::string_view text, void* out) {
  const std::string terminated(text);
  return terminated.size() == text.size() && inet_pton(family, terminated.c_str(), out) == 1;
}

bool is_host_name(std::string_view text) {
  const auto allowed = [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' || c == '.' ||
           c == '_';
  };
  if (text.empty() || text.size() > kLongestName || !std::all_of(text.begin(), text.end(), allowed)) return false;
  if (text.front() == '.' || text.front() == '-' || text.find("..") != std::string_view::npos) return false;
  // 300.1.2.3 is a mistyped address, not a name.
  const std::string_view last = text.substr(text.find_last_of('.') + 1);
  return !parse_count(last) || is_ipv4(text);
}

Parsed<Address> parse_unix(std::string_view path) {
  if (path.empty() || path.front() != '/') return {.error = "expected an absolute path after 'unix:'"};
  if (path.size() > kLongestUnixPath || path.find('\0') != std::string_view::npos)
    return {.error = "expected a socket path of at most 107 bytes"};
  return {.value = Address{.kind = Address::Kind::unix_socket, .host = {}, .port = 0, .path = std::string(path)}};
}

struct HostPort {
  std::string_view host;  // in brackets when IPv6
  std::optional<std::string_view> port;
};

HostPort split(std::string_view text) {
  const std::size_t bracket = text.starts_with('[') ? text.find(']') : 0;
  const std::size_t colon = bracket == std::string_view::npos ? bracket : text.find(':', bracket);
  if (colon == std::string_view::npos) return {text, std::nullopt};
  return {text.substr(0, colon), text.substr(colon + 1)};
}

std::string_view without_brackets(std::string_view host) {
  return host.starts_with('[') ? host.substr(1, host.size() - 2) : host;
}

std::optional<std::uint16_t> parse_port(std::string_view text) {
  const auto port = parse_count(text);
  if (!port || *port > 65535 || text.size() > 5) return std::nullopt;
  return static_cast<std::uint16_t>(*port);
}

void clear_host_bits(Network& network) {
  for (unsigned bit = network.bits; bit < 128; ++bit)
    network.address[bit / 8] = static_cast<std::uint8_t>(network.address[bit / 8] & ~(0x80U >> (bit % 8)));
}

bool is_mapped(const Network& network) {
  static constexpr std::uint8_t kPrefix[12] = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};
  return network.bits >= kMappedBits && std::memcmp(network.address.data(), kPrefix, sizeof kPrefix) == 0;
}

}  // namespace

bool is_ipv4(std::string_view text) {
  in_addr address{};
  return inet(AF_INET, text, &address);
}

bool is_ipv6(std::string_view text) {
  in6_addr address{};
  return inet(AF_INET6, text, &address);
}

bool is_host(std::string_view text) {
  if (text.starts_with('[')) return text.ends_with(']') && is_ipv6(without_brackets(text));
  return is_host_name(text);
}

std::string canonical_host(std::string_view text) {
  std::string host = to_lower(std::string(text));
  in6_addr address{};
  if (host.starts_with('[') && inet(AF_INET6, without_brackets(host), &address)) {
    char shortest[INET6_ADDRSTRLEN] = {};
    inet_ntop(AF_INET6, &address, shortest, sizeof shortest);
    return std::string("[") + shortest + "]";
  }
  if (host.size() > 1 && host.ends_with('.')) host.pop_back();
  return host;
}

bool is_authority(std::string_view text) {
  const HostPort parts = split(text);
  return is_host(parts.host) && (!parts.port || parse_port(*parts.port).value_or(0) != 0);
}

bool is_loopback(const Address& address) {
  if (address.kind == Address::Kind::unix_socket) return true;
  if (address.host == "::1" || to_lower(address.host) == "localhost") return true;
  return is_ipv4(address.host) && address.host.starts_with("127.");
}

Parsed<Address> parse_address(std::string_view text) {
  if (text.starts_with("unix:")) return parse_unix(text.substr(5));
  const HostPort parts = split(text);
  const std::string expected = "expected HOST:PORT, [IPv6]:PORT or unix:/path";
  if (!parts.port || !is_host(parts.host)) return {.error = expected};
  const std::optional<std::uint16_t> port = parse_port(*parts.port);
  if (!port) return {.error = "expected a port from 0 to 65535"};
  return {
      .value = Address{
          .kind = Address::Kind::tcp, .host = std::string(without_brackets(parts.host)), .port = *port, .path = {}}};
}

Parsed<Endpoint> parse_endpoint(std::string_view url) {
  Endpoint endpoint{.url = std::string(url), .address = {}, .authority = {}};
  if (url.starts_with("unix:")) {
    Parsed<Address> address = parse_unix(url.substr(5));
    if (!address.value) return {.error = address.error};
    endpoint.address = *address.value;
    return {.value = endpoint};
  }
  endpoint.tls = url.starts_with("https://");
  const std::string_view scheme = endpoint.tls ? "https://" : "http://";
  if (!url.starts_with(scheme)) return {.error = std::string(kEndpointForms)};
  // A bare '/' is no path: it is dropped, so that one endpoint has one name.
  if (url.ends_with('/')) url.remove_suffix(1);
  endpoint.url = url;
  const std::string_view authority = url.substr(std::min(url.size(), scheme.size()));
  if (authority.find('@') != std::string_view::npos)
    return {.error =
                "no user or password belongs in an endpoint's URL; expected " + std::string(scheme) + "HOST[:PORT]"};
  const std::size_t end = authority.find_first_of("/?#");
  if (end != std::string_view::npos)
    return {.error = "no path in an endpoint's URL; expected " + std::string(scheme) +
                     std::string(authority.substr(0, end))};
  const HostPort parts = split(authority);
  if (!is_host(parts.host)) return {.error = std::string(kEndpointForms)};
  const std::optional<std::uint16_t> port = parts.port     ? parse_port(*parts.port)
                                            : endpoint.tls ? kHttpsPort
                                                           : kHttpPort;
  if (!port || *port == 0) return {.error = "expected a port from 1 to 65535"};
  endpoint.address.host = without_brackets(parts.host);
  endpoint.address.port = *port;
  endpoint.authority = authority;
  return {.value = endpoint};
}

Parsed<Network> parse_network(std::string_view text) {
  const std::size_t slash = text.find('/');
  const std::string_view address = text.substr(0, slash);
  Network network;
  unsigned most = 128;
  if (is_ipv4(address)) {
    most = 32;
    network.address[10] = network.address[11] = 0xff;
    inet(AF_INET, address, network.address.data() + 12);
  } else if (!inet(AF_INET6, address, network.address.data())) {
    return {.error = "expected a network such as 10.0.0.0/8 or fd00::/8"};
  }
  std::optional<std::uint64_t> bits = most;
  if (slash != std::string_view::npos) bits = parse_count(text.substr(slash + 1));
  if (!bits || *bits > most) return {.error = "expected a prefix length from 0 to " + std::to_string(most)};
  network.bits = static_cast<unsigned>(*bits) + (128 - most);
  clear_host_bits(network);
  return {.value = network};
}

std::string format_address(const Address& address) {
  if (address.kind == Address::Kind::unix_socket) return "unix:" + address.path;
  const bool ipv6 = address.host.find(':') != std::string::npos;
  return (ipv6 ? "[" + address.host + "]" : address.host) + ":" + std::to_string(address.port);
}

std::string format_network(const Network& network) {
  const bool v4 = is_mapped(network);
  char text[INET6_ADDRSTRLEN] = {};
  inet_ntop(v4 ? AF_INET : AF_INET6, network.address.data() + (v4 ? 12 : 0), text, sizeof text);
  return std::string(text) + "/" + std::to_string(network.bits - (v4 ? kMappedBits : 0));
}

}  // namespace fusewire::config
