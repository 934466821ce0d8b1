// SPDX-License-Identifier: Apache-2.0
// Looks a name up with the system's resolver. It blocks the caller for as long as the resolver takes.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "config/config.hpp"
#include "proxy/net/asio.hpp"

namespace fusewire::proxy {

using SocketAddress = Protocol::endpoint;

struct Resolved {
  std::vector<SocketAddress> addresses;  // each once, in the resolver's order (RFC 6724); empty: there are none
  std::string error;                     // why there are none
  bool cut = false;                      // there were more than kMaxAddresses
};

constexpr std::size_t kMaxAddresses = 256;  // of one name

using Resolver = std::function<Resolved(const std::string& host, std::uint16_t port)>;

// getaddrinfo(3): hosts file, search domains and all; only families that this machine has addresses of.
Resolved resolve(const std::string& host, std::uint16_t port);

// The address itself, where there is no name to be resolved.
std::optional<SocketAddress> literal(const config::Address&);

// "10.0.0.1:80", "[::1]:80" or "unix:/path".
std::string to_string(const SocketAddress&);

}  // namespace fusewire::proxy
