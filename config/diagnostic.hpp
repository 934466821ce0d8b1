// SPDX-License-Identifier: Apache-2.0
// One error or warning about a configuration, with the place where it was written.
#pragma once

#include <string>

namespace fusewire::config {

struct Diagnostic {
  std::string source;    // file name, "environment" or "--set"
  int line = 0;          // from 1; 0: not in a file
  int column = 0;        // from 1
  std::string key_path;  // upstreams.orders.timeouts.connect
  std::string message;   // what is wrong, what was expected, the nearest key

  std::string to_string() const;  // FILE:LINE:COL: key.path: message
};

}  // namespace fusewire::config
