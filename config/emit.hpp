// SPDX-License-Identifier: Apache-2.0
// Node -> text.
#pragma once

#include <string>

#include "config/node.hpp"

namespace fusewire::config {

// Block style, lists of values on one line; the items of other lists are maps that are not empty. What parse_document
// and substitute_variables make of it is `root` again.
std::string emit_yaml(const Node& root);

// One line. Unquoted numbers, `true` and `false` stay bare; every other value is a string.
std::string emit_json(const Node& root);

}  // namespace fusewire::config
