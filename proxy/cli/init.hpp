// SPDX-License-Identifier: Apache-2.0
// `fusewire init`: a first configuration for the upstreams named, with comments.
#pragma once

#include <string>
#include <utility>
#include <vector>

#include "proxy/cli/options.hpp"

namespace fusewire::cli {

// Names and URLs are good.
std::string first_file(const std::vector<std::pair<std::string, std::string>>& upstreams, const std::string& listen);

int init(const Options&, const World&);

}  // namespace fusewire::cli
