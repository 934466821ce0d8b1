// SPDX-License-Identifier: Apache-2.0
// Which values of the effective configuration came from environment variables, and how it is shown without them.
#pragma once

#include <cstddef>
#include <set>
#include <string>
#include <vector>

#include "config/config.hpp"
#include "config/node.hpp"

namespace fusewire::config {

// `root` is the whole file with `defaults` merged under each upstream.
std::vector<FromVariable> values_from_variables(const Node& root);

// Puts "<from NAME>" in the place of each such value. `tree` is the configuration as tree_of() makes it.
void name_variables(Node& tree, const std::vector<FromVariable>&);

// Whether the value at this place of the effective configuration came from variables.
bool is_from_variable(const Config&, const std::vector<std::string>& path);

// `text`, which is the value at this place, or "<from NAME>".
std::string shown(const Config&, const std::vector<std::string>& path, std::string text);

// Those of a listener's routes: by its position.
std::set<std::string> hosts_from_variables(const Config&, std::size_t listener);

}  // namespace fusewire::config
