// SPDX-License-Identifier: Apache-2.0
// Finds what an override means: upstreams.orders.timeouts.connect, or FUSEWIRE__UPSTREAMS__ORDERS__TIMEOUTS__CONNECT.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "config/key.hpp"
#include "config/node.hpp"

namespace fusewire::config {

enum class Spelling : std::uint8_t {
  dotted,       // as written; names may contain the separator: the longest existing one is meant
  environment,  // separated by `__`, case-blind, `-` and `.` as `_`
  single,       // the same, separated by one `_`: what was probably meant
};

using KeyPath = std::vector<std::string>;  // keys, and positions in lists

struct Resolution {
  std::vector<KeyPath> paths;  // all that fit, for dotted the best first; empty: none
  // Where nothing fits: the longest part that did, the first word that did not, and what could have stood there.
  KeyPath reached;
  std::string unknown;
  std::vector<std::string> candidates;
  std::optional<std::size_t> list_size;  // the word is no position in a list of this size
};

// Names of upstreams and fields, and positions in lists, must exist in `root`; keys of maps need only be valid.
Resolution resolve(const Node& root, const Shape&, std::string_view text, Spelling);

std::string to_string(const KeyPath&);

}  // namespace fusewire::config
