// SPDX-License-Identifier: Apache-2.0
// The effective configuration as text, every default written out, secrets redacted.
#pragma once

#include <string>

#include "config/config.hpp"

namespace fusewire::config {

std::string to_yaml(const Config&);  // a file that load() takes
std::string to_json(const Config&);

}  // namespace fusewire::config
