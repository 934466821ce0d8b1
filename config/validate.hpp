// SPDX-License-Identifier: Apache-2.0
// What one section alone cannot know: names that lead nowhere, circles, addresses taken twice, and traps.
#pragma once

#include "config/config.hpp"
#include "config/node.hpp"
#include "config/report.hpp"

namespace fusewire::config {

// `root` is the whole file with `defaults` merged under each upstream.
void validate(const Node& root, Report&);

// Settings that are valid and yet hardly meant. `config` was read from `root` without an error.
void warn_of_traps(const Config& config, const Node& root, Report&);

}  // namespace fusewire::config
