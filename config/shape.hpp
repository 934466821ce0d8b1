// SPDX-License-Identifier: Apache-2.0
// Holds a document against the table of keys: unknown keys, keys that are not built yet, maps where a value belongs.
#pragma once

#include <string_view>
#include <vector>

#include "config/key.hpp"
#include "config/node.hpp"
#include "config/report.hpp"

namespace fusewire::config {

// Reports what does not fit and makes it invalid, so that nobody reads it; writes short forms out (an upstream that is
// only a URL becomes a map with endpoints); sets the path of every node below `node`, whose own must be set.
void check_shape(Node& node, const Shape&, Report&);

// The same for one value of a map, whose path is set.
void check_key(Node& child, const Shape& parent, Report&);

// A short form that stands where a map belongs becomes that map.
void expand_short_form(Node& node, const Shape&);

std::vector<std::string_view> key_names(const Shape&);

}  // namespace fusewire::config
