// SPDX-License-Identifier: Apache-2.0
#include "proxy/downstream/client_address.hpp"

#include <algorithm>
#include <boost/asio/ip/tcp.hpp>
#include <cstring>

#include "proxy/net/asio.hpp"

namespace fusewire::proxy {

namespace {

bool contains(const config::Network& network, const std::array<std::uint8_t, 16>& address) {
  for (unsigned bit = 0; bit < network.bits; ++bit) {
    const auto mask = static_cast<std::uint8_t>(0x80U >> (bit % 8));
    if ((network.address[bit / 8] & mask) != (address[bit / 8] & mask)) return false;
  }
  return true;
}

std::array<std::uint8_t, 16> as_v6(const asio::ip::address& address) {
  return (address.is_v4() ? asio::ip::make_address_v6(asio::ip::v4_mapped, address.to_v4()) : address.to_v6())
      .to_bytes();
}

}  // namespace

ClientAddress::ClientAddress(int descriptor, std::string& text) {
  Protocol::endpoint remote;
  auto size = static_cast<socklen_t>(remote.capacity());
  if (::getpeername(descriptor, remote.data(), &size) != 0) return;
  remote.resize(size);
  if (remote.protocol().family() != AF_INET && remote.protocol().family() != AF_INET6) return;
  asio::ip::tcp::endpoint endpoint;
  std::memcpy(endpoint.data(), remote.data(), remote.size());
  auto address = endpoint.address();
  if (address.is_v6() && address.to_v6().is_v4_mapped())
    address = asio::ip::make_address_v4(asio::ip::v4_mapped, address.to_v6());
  text = address.to_string();
  bytes_ = as_v6(address);
}

bool ClientAddress::is_in(const std::vector<config::Network>& networks) const {
  return std::any_of(networks.begin(), networks.end(),
                     [&](const config::Network& network) { return bytes_ && contains(network, *bytes_); });
}

std::uint16_t local_port(int descriptor, const config::Address& listener) {
  if (listener.kind != config::Address::Kind::tcp || listener.port != 0) return listener.port;
  asio::ip::tcp::endpoint local;
  auto size = static_cast<socklen_t>(local.capacity());
  return ::getsockname(descriptor, local.data(), &size) == 0 ? local.port() : std::uint16_t{0};
}

}  // namespace fusewire::proxy
