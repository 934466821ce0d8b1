// SPDX-License-Identifier: Apache-2.0
// Who may ask what (docs/reference.md, "Admin"): the Host rule against DNS rebinding, the Origin rule against
// cross-site requests, the bearer token. Decisions alone.
#pragma once

#include <optional>
#include <string_view>

#include "config/config.hpp"
#include "proxy/admin/message.hpp"

namespace fusewire::proxy::admin {

// The time taken depends on the lengths only.
bool equal_in_constant_time(std::string_view a, std::string_view b);

// An IP address, localhost, or one of `allowed`; with or without a port. Compared case-blind.
bool host_allowed(std::string_view host, const std::vector<std::string>& allowed);

// 400 without exactly one Host, 421 where it is not allowed. A read in HTTP/1.0 may lack it: no browser sends one.
std::optional<Reply> refuse_host(const config::Admin&, const Request&, std::string_view target_authority);
// A change: 403 for another site's Origin, 403 when no token is configured, 401 without the right one.
std::optional<Reply> refuse_change(const config::Admin&, const Request&);
// Reading: only where read_requires_token says so.
std::optional<Reply> refuse_read(const config::Admin&, const Request&);

}  // namespace fusewire::proxy::admin
