// SPDX-License-Identifier: Apache-2.0
// What a YAML library says of a slip, and what to write instead.
#pragma once

#include <string>
#include <string_view>

namespace fusewire::config {

// `line` and `column` (from 1) are where the library stumbled over `text`, `said` is its message. No line of the text
// is repeated: it may hold a secret.
std::string explain_syntax(std::string_view text, int line, int column, const std::string& said);

}  // namespace fusewire::config
