// SPDX-License-Identifier: Apache-2.0
#include "proxy/net/resolver.hpp"

#include <netdb.h>

#include <algorithm>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/local/stream_protocol.hpp>
#include <cerrno>
#include <cstring>
#include <memory>
#include <system_error>

#include "config/addresses.hpp"

namespace fusewire::proxy {

namespace {

std::string reason(int code) {
  return code == EAI_SYSTEM ? std::system_category().message(errno) : std::string(::gai_strerror(code));
}

void add(Resolved& found, const addrinfo& one) {
  SocketAddress address;
  if (one.ai_addrlen > address.capacity()) return;
  std::memcpy(address.data(), one.ai_addr, one.ai_addrlen);
  address.resize(one.ai_addrlen);
  const auto end = found.addresses.end();
  if (std::find(found.addresses.begin(), end, address) != end) return;
  found.cut = found.addresses.size() == kMaxAddresses;
  if (!found.cut) found.addresses.push_back(address);
}

}  // namespace

Resolved resolve(const std::string& host, std::uint16_t port) {
  addrinfo wanted{};
  wanted.ai_family = AF_UNSPEC;
  wanted.ai_socktype = SOCK_STREAM;
  wanted.ai_flags = AI_ADDRCONFIG | AI_NUMERICSERV;
  addrinfo* list = nullptr;
  Resolved found;
  if (const int code = ::getaddrinfo(host.c_str(), std::to_string(port).c_str(), &wanted, &list); code != 0) {
    found.error = reason(code);
    return found;
  }
  const std::unique_ptr<addrinfo, decltype(&::freeaddrinfo)> owner(list, ::freeaddrinfo);
  for (const addrinfo* one = list; one != nullptr && !found.cut; one = one->ai_next) add(found, *one);
  if (found.addresses.empty()) found.error = "the name has no address";
  return found;
}

std::optional<SocketAddress> literal(const config::Address& address) {
  if (address.kind == config::Address::Kind::unix_socket) return asio::local::stream_protocol::endpoint(address.path);
  error_code error;
  const auto ip = asio::ip::make_address(address.host, error);
  if (error) return std::nullopt;
  return asio::ip::tcp::endpoint(ip, address.port);
}

std::string to_string(const SocketAddress& address) {
  asio::ip::tcp::endpoint tcp;
  const int family = address.protocol().family();
  if ((family != AF_INET && family != AF_INET6) || address.size() > tcp.capacity()) return "unix";
  std::memcpy(tcp.data(), address.data(), address.size());
  tcp.resize(address.size());
  return config::format_address(
      {.kind = config::Address::Kind::tcp, .host = tcp.address().to_string(), .port = tcp.port(), .path = {}});
}

}  // namespace fusewire::proxy
