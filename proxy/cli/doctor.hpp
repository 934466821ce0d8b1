// SPDX-License-Identifier: Apache-2.0
// `fusewire doctor`: tries on this host what a configuration needs, and says what to do.
#pragma once

#include "proxy/cli/options.hpp"

namespace fusewire::cli {

int doctor(const Options&, const World&);

}  // namespace fusewire::cli
