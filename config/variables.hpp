// SPDX-License-Identifier: Apache-2.0
// `${NAME}` and `${NAME:-default}` inside scalars. Replaced after parsing, scalar by scalar, so that a value can never
// become a key, a list or a comment.
#pragma once

#include <set>
#include <string>
#include <utility>
#include <vector>

#include "config/node.hpp"
#include "config/report.hpp"

namespace fusewire::config {

using Environment = std::vector<std::pair<std::string, std::string>>;

// As in a shell, `:-default` also stands in for an empty variable. `$${` is a literal `${`.
// Gives the names that were referred to, set or not.
std::set<std::string> substitute_variables(Node& root, const Environment&, Report&);

// The inverse of `$${`: text that substitute_variables leaves as it was given here.
std::string escape_variables(std::string_view text);

}  // namespace fusewire::config
