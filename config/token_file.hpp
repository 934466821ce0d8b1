// SPDX-License-Identifier: Apache-2.0
// The admin API's token, and the file that holds one.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "config/node.hpp"
#include "config/report.hpp"

namespace fusewire::config {

// Whether the text can stand behind `Bearer `.
bool is_bearer_token(std::string_view text);

// The token in the file that `file` names, trimmed; what keeps it from being read is reported.
std::optional<std::string> token_in(const Node& file, Report&);

// The content of an admin.token_file; nothing when it can't be read or holds no token.
std::optional<std::string> read_token_file(const std::string& path);

}  // namespace fusewire::config
