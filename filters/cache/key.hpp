// SPDX-License-Identifier: Apache-2.0
// The key of a stored response: its URI, byte for byte as it goes upstream. It is put together from the parts that the
// codec has split, and nothing is parsed a second time: equal keys are equal request lines (the method apart), schemes
// and authorities.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "filters/message.hpp"

namespace fusewire::cache {

// scheme://authority/path?query. The authority is the client's, with its own case and port: an upstream sees both.
std::string uri_key(const Request&);

// The key of what Location or Content-Location names, when that has the origin of `request` (RFC 9111 §4.4), in the
// client's own spelling of that origin. Absolute and path-absolute references only; others, and other origins, are
// nullopt.
std::optional<std::string> same_origin_key(const Request& request, std::string_view reference);

// A key in the usual spelling of its origin: a lower-case authority without the scheme's default port. nullopt: it is
// in that spelling.
std::optional<std::string> usual_key(std::string_view key);

}  // namespace fusewire::cache
