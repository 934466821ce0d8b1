// SPDX-License-Identifier: Apache-2.0
// What a stored response is found by: its URI as the client said it.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "filters/message.hpp"

namespace fusewire::cache {

// scheme://authority/path?query: lower-case authority, no default port, the target's bytes as they came.
std::string uri_key(const Request&);

// The key of what Location or Content-Location names, when that has the origin of `request` (RFC 9111 §4.4). Absolute
// and path-absolute references only; others, and other origins, are nullopt.
std::optional<std::string> same_origin_key(const Request& request, std::string_view reference);

}  // namespace fusewire::cache
