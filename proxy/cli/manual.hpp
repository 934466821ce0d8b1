// SPDX-License-Identifier: Apache-2.0
// `fusewire man`: fusewire(1), from the same table as --help.
#pragma once

#include <string>

namespace CLI {  // NOLINT(readability-identifier-naming): the library's
class App;
}

namespace fusewire::cli {

// In the man macros of roff.
std::string manual_page(const CLI::App&);

}  // namespace fusewire::cli
