// SPDX-License-Identifier: Apache-2.0
#include "config/tree.hpp"

#include "config/describe/print.hpp"
#include "config/describe/process.hpp"

namespace fusewire::config {

Node tree_of(const Config& config, bool show_redacted) { return print_section(config, show_redacted); }

}  // namespace fusewire::config
