// SPDX-License-Identifier: Apache-2.0
// Addresses, networks and endpoints as they are written, both ways.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "config/config.hpp"

namespace fusewire::config {

template <class T>
struct Parsed {
  std::optional<T> value = std::nullopt;
  std::string error = {};  // what was expected, when there is no value
};

// HOST:PORT, [IPv6]:PORT or unix:/path, to listen on.
Parsed<Address> parse_address(std::string_view);
// http://HOST[:PORT], with or without a closing '/', or unix:/path.
Parsed<Endpoint> parse_endpoint(std::string_view);
// 10.0.0.0/8, fd00::/8, or one address. Bits behind the prefix are cleared.
Parsed<Network> parse_network(std::string_view);

std::string format_address(const Address&);
std::string format_network(const Network&);

bool is_ipv4(std::string_view);
bool is_ipv6(std::string_view);       // without brackets
bool is_host(std::string_view);       // a name, an IPv4 address, or an IPv6 address in brackets
bool is_authority(std::string_view);  // HOST[:PORT]
// A host as all its spellings are compared: in lower case, without a closing dot, an IPv6 address in its shortest form.
std::string canonical_host(std::string_view);
bool is_loopback(const Address&);

}  // namespace fusewire::config
