// SPDX-License-Identifier: Apache-2.0
// How every file that an operator names is read: no more of it than is of use, and none whose reading may not end.
#pragma once

#include <cstddef>
#include <optional>
#include <string>

namespace fusewire::config {

struct FileText {
  std::optional<std::string> text = std::nullopt;  // one character more than the limit where the file is longer
  std::string error = {};                          // why there is none
};

// A pipe or a device is refused: its reading may wait for ever, or never end.
FileText read_regular_file(const std::string& path, std::size_t limit);
// The same, but for what stands for an open descriptor (/dev/stdin, /dev/fd/3), which may be a pipe.
FileText read_file_or_descriptor(const std::string& path, std::size_t limit);

}  // namespace fusewire::config
