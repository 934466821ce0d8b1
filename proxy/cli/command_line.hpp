// SPDX-License-Identifier: Apache-2.0
// From arguments to an exit status.
#pragma once

#include <string>
#include <variant>
#include <vector>

#include "proxy/cli/options.hpp"

namespace fusewire::cli {

// Options, or an exit status: help has been printed, or what is wrong. `arguments` is without the program's name.
std::variant<Options, int> parse(std::vector<std::string> arguments, const World&);

int execute(const Options&, const World&);

}  // namespace fusewire::cli
