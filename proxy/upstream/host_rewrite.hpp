// SPDX-License-Identifier: Apache-2.0
// Which Host an upstream sees (rewrite.host), and which requests may share a cached response because of it.
#pragma once

#include <string>
#include <string_view>

#include "config/config.hpp"
#include "filters/message.hpp"
#include "proxy/snapshot/upstream.hpp"

namespace fusewire::proxy {

// Whether an authority is only an address, after which no virtual host is named: an IP address or localhost, with any
// port. A name whose last label is a number is an IPv4 address in one of its forms.
bool is_own_address(std::string_view authority) noexcept;

// Views the request, the endpoint or the configuration. Never empty.
std::string_view host_sent(const config::HostRewrite&, const Request&, const EndpointState&) noexcept;

// Everything beside its URI that decides which response a request gets from a route's upstream, and whether its client
// could have used the route: the Host that is sent, the fields that the route asks for, the listener's client
// certificates. Cached responses are shared among routes with equal scopes. Empty for most.
std::string cache_scope(const config::Listener&, const config::Route&);

}  // namespace fusewire::proxy
