// SPDX-License-Identifier: Apache-2.0
// Where a warning is reported, and how values are shown in it.
#pragma once

#include <string>
#include <vector>

#include "config/messages.hpp"
#include "config/node.hpp"
#include "config/report.hpp"

namespace fusewire::config {

using Path = std::vector<std::string>;  // keys, and positions in lists

inline Path operator+(Path path, const Path& more) {
  path.insert(path.end(), more.begin(), more.end());
  return path;
}

class TrapPlaces {
 public:
  TrapPlaces(const Node& root, Report& report) : root_(root), report_(report) {}

  // At the value, or the nearest one around it that was written.
  void warn(const Path& path, std::string message) const;
  // `own`, or "<from NAME>" where the value came from a variable.
  std::string shown(const Path& path, std::string own) const { return config::shown(find(path), std::move(own)); }
  // Null where it was not written.
  const Node* find(const Path& path) const;

 private:
  const Node& root_;
  Report& report_;
};

}  // namespace fusewire::config
