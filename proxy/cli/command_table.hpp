// SPDX-License-Identifier: Apache-2.0
// Every command with its options: what is parsed, and what help, completion and the manual are made of.
#pragma once

#include <memory>

#include "proxy/cli/options.hpp"

namespace CLI {
class App;
}

namespace fusewire::cli {

// `options` outlives it.
std::unique_ptr<CLI::App> make_commands(Options&);

}  // namespace fusewire::cli
