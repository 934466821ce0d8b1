// SPDX-License-Identifier: Apache-2.0
// Lays the environment and the command line over the file.
#pragma once

#include <set>
#include <string>
#include <vector>

#include "config/key.hpp"
#include "config/node.hpp"
#include "config/report.hpp"
#include "config/variables.hpp"

namespace fusewire::config {

// FUSEWIRE__A__B=value. `root` has passed check_shape, and so have the values that come in.
void apply_environment(Node& root, const Shape&, const Environment&, Report&);

// FUSEWIRE_LOG_LEVEL: a key's name with single underscores, which nothing reads. `referenced`: the file's own ${NAME}s.
void warn_of_variables(const Node& root, const Shape&, const Environment&, const std::set<std::string>& referenced,
                       Report&);

// a.b=value, in order: the last one wins.
void apply_settings(Node& root, const Shape&, const std::vector<std::string>& settings, Report&);

}  // namespace fusewire::config
