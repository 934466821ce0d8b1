// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "proxy/upstream/dns_cache.hpp"

namespace fusewire::testing {

// Finds no address for any name, and announces nothing.
struct NoNames final : proxy::DnsCache {
  NoNames()
      : DnsCache([](const std::string&,
                    std::uint16_t) { return proxy::Resolved{.addresses = {}, .error = "", .cut = false}; },
                 [](const proxy::ResolvedName&) {}) {}
};

}  // namespace fusewire::testing
