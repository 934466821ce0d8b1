// SPDX-License-Identifier: Apache-2.0
// `fusewire completion SHELL`: a script that the shell reads. Files are completed where an option takes one, breakers'
// names where a running admin says them.
#pragma once

#include <string>

namespace CLI {
class App;
}

namespace fusewire::cli {

// `shell`: bash, zsh or fish.
std::string completion_script(const CLI::App&, const std::string& shell);

}  // namespace fusewire::cli
