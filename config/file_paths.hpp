// SPDX-License-Identifier: Apache-2.0
// Where the files are that a configuration names.
#pragma once

#include <string>

#include "config/key.hpp"
#include "config/node.hpp"

namespace fusewire::config {

// Makes relative paths that were written in the file absolute: they are relative to `folder`. Those of the environment
// and the command line are relative to the working directory, as in any other command. `root` has passed check_shape.
void resolve_paths(Node& root, const Shape&, const std::string& folder);

// The folder of the file `name`; the working directory's where it has none.
std::string folder_of(const std::string& name);

}  // namespace fusewire::config
