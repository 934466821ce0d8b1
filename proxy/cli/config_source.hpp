// SPDX-License-Identifier: Apache-2.0
// Reads the configuration that the options of `run` and `check` name.
#pragma once

#include "config/load.hpp"
#include "proxy/cli/options.hpp"

namespace fusewire::cli {

// -c, else FUSEWIRE_CONFIG, else empty.
std::string config_file(const Options&, const World&);

// A file that can't be read is one error.
config::LoadResult load_file(const std::string& file, const Options&, const World&);
// Its admin section alone, as far as it can be read.
config::AdminResult load_admin(const std::string& file, const Options&, const World&);
// A text as if it were the file: the same folder, environment and --set.
config::LoadResult judge_text(const std::string& text, const std::string& file, const Options&, const World&);

}  // namespace fusewire::cli
