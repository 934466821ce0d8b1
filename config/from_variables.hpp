// SPDX-License-Identifier: Apache-2.0
// Which values of the effective configuration came from environment variables, and how it is shown without them.
#pragma once

#include <vector>

#include "config/config.hpp"
#include "config/node.hpp"

namespace fusewire::config {

// `root` is the whole file with `defaults` merged under each upstream.
std::vector<FromVariable> values_from_variables(const Node& root);

// Puts "<from NAME>" in the place of each such value. `tree` is the configuration as tree_of() makes it.
void name_variables(Node& tree, const std::vector<FromVariable>&);

}  // namespace fusewire::config
