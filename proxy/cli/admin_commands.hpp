// SPDX-License-Identifier: Apache-2.0
// The commands that ask a running Fusewire: status, events, explain, reset, force-open, force-close, release.
#pragma once

#include "proxy/cli/options.hpp"

namespace fusewire::cli {

int ask_admin(const Options&, const World&);

}  // namespace fusewire::cli
