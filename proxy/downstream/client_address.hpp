// SPDX-License-Identifier: Apache-2.0
// The addresses at both ends of a client's connection, as its socket has them.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "config/config.hpp"

namespace fusewire::proxy {

// The client's. A value; made once a connection, for its address does not change.
class ClientAddress {
 public:
  // `text` gets what Peer::address says; it is left alone where the socket has no IP address.
  ClientAddress(int descriptor, std::string& text);

  bool is_in(const std::vector<config::Network>&) const;

 private:
  std::optional<std::array<std::uint8_t, 16>> bytes_;  // as IPv6
};

// That the client has connected to; 0: a unix socket.
std::uint16_t local_port(int descriptor, const config::Address& listener);

}  // namespace fusewire::proxy
