// SPDX-License-Identifier: Apache-2.0
// The commands that work from the configuration file.
#pragma once

#include "proxy/cli/options.hpp"

namespace fusewire::cli {

int run(const Options&, const World&);
int check(const Options&, const World&);

}  // namespace fusewire::cli
