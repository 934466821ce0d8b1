// SPDX-License-Identifier: Apache-2.0
// A URL that a message is posted to. Its path may hold a secret: no error repeats any part of it, and what is shown of
// it ends with the host.
#pragma once

#include <string>
#include <string_view>

#include "config/addresses.hpp"

namespace fusewire::config {

struct WebUrl {
  Endpoint endpoint;   // http:// or https://, without a path
  std::string target;  // origin-form (RFC 9112 §3.2.1): "/", or path and query as written
};

// http(s)://HOST[:PORT][/PATH][?QUERY]; no user, password or fragment.
Parsed<WebUrl> parse_web_url(std::string_view);

// As configured where it has no path or query, else "https://HOST[:PORT]/<redacted>".
std::string shown_web_url(std::string_view);

}  // namespace fusewire::config
