// SPDX-License-Identifier: Apache-2.0
// Upgrade (RFC 9110 §7.8, docs/decisions/0012): which protocols of a request go on to the upstream, and whether its 101
// opens a tunnel. Pure functions of heads.
#pragma once

#include <string>
#include <vector>

#include "filters/message.hpp"
#include "proxy/http/head_parser.hpp"

namespace fusewire::proxy {

using Protocols = std::vector<std::string>;  // lower case, as a route lists them

// Of a request whose Connection field says upgrade: whether it names one of these protocols and may switch to it. One
// with a body may not: the protocol changes behind the request, and two readers could differ about where that is.
bool asks_for_upgrade(const Request&, const Protocols& allowed);

// "Connection: Upgrade" and an Upgrade field with those of the message's protocols that are allowed.
void append_upgrade(std::string& out, const Fields&, const Protocols& allowed);

// Whether a 101 names protocols, and none but those that the request has asked for and the route allows.
bool switches_as_asked(const Response&, const http::ConnectionOptions&, const Fields& request,
                       const Protocols& allowed);

}  // namespace fusewire::proxy
