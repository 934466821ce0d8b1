// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string_view>

#include "config/load_balancing.hpp"
#include "filters/message.hpp"

namespace fusewire::balance {

// What `load_balancing.hash` places the request by: the value of its header or cookie of that name, and where there is
// none, or by ip, its client's address.
std::uint64_t hash_key(const config::HashKey&, const Fields&, std::string_view client) noexcept;

// The client of a trusted peer, as that has added it last to X-Forwarded-For; else the peer.
std::string_view forwarded_client(const Fields&, std::string_view peer) noexcept;

}  // namespace fusewire::balance
