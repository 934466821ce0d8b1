// SPDX-License-Identifier: Apache-2.0
#include "config/diagnostic.hpp"

#include "config/printable.hpp"

namespace fusewire::config {

std::string Diagnostic::to_string() const {
  std::string out = source;
  if (line > 0) out += ':' + std::to_string(line) + ':' + std::to_string(column);
  out += ": ";
  if (!key_path.empty()) out += key_path + ": ";
  return printable(out + message);
}

}  // namespace fusewire::config
