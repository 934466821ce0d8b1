// SPDX-License-Identifier: Apache-2.0
// Values -> Node: the effective configuration as a file would say it, every default written out.
#pragma once

#include "config/config.hpp"
#include "config/node.hpp"

namespace fusewire::config {

// The admin token is left out, or stands there as "<redacted>".
Node tree_of(const Config&, bool show_redacted);

}  // namespace fusewire::config
