// SPDX-License-Identifier: Apache-2.0
// The request target, taken apart strictly: what is malformed is refused, not guessed.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "proxy/admin/message.hpp"

namespace fusewire::proxy::admin {

// origin-form, or absolute-form with http or https. Nothing when it is neither, when an escape is incomplete or
// invalid, or when a control character is in it, escaped or not. A segment that holds an encoded slash stays one
// segment; a `+` is no space.
std::optional<Target> parse_target(std::string_view);

}  // namespace fusewire::proxy::admin
