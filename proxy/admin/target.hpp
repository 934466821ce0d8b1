// SPDX-License-Identifier: Apache-2.0
// The request target, taken apart strictly: what is malformed is refused, not guessed.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "proxy/admin/message.hpp"

namespace fusewire::proxy::admin {

// "%2F" -> "/". Nothing on an incomplete or invalid escape, or when a control character comes out.
std::optional<std::string> percent_decode(std::string_view);

// origin-form, or absolute-form with http or https. Nothing when it is neither, or not decodable. A segment that holds
// an encoded slash stays one segment.
std::optional<Target> parse_target(std::string_view);

}  // namespace fusewire::proxy::admin
