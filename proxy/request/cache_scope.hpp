// SPDX-License-Identifier: Apache-2.0
// What a trusted peer says of its client's connection goes upstream: a stored response to that is for such requests
// alone. Pure functions.
#pragma once

#include <string>

#include "filters/message.hpp"
#include "proxy/http/head_parser.hpp"
#include "proxy/snapshot/snapshot.hpp"

namespace fusewire::proxy {

// To Inbound::cache_scope; nothing where the route's own says it all.
void append_cache_scope(std::string& scope, const Request&, const http::ConnectionOptions&, const Route&);

}  // namespace fusewire::proxy
