// SPDX-License-Identifier: Apache-2.0
// What error messages are made of: the nearest known word, and text from a configuration in a form that is safe to
// show.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "config/node.hpp"

namespace fusewire::config {

// The candidate that a slip of the pen would turn into `word`; nothing when all are far.
std::optional<std::string> nearest(std::string_view word, const std::vector<std::string_view>& candidates);

// "; did you mean 'connect'?" or "; expected one of: connect, response".
std::string suggestion(std::string_view word, const std::vector<std::string_view>& candidates);

// A URL, or what was written in the place of one, with "…" for user and password.
std::string without_userinfo(std::string_view text);

// 'text' in quotes, control characters shown as '?', shortened; user and password of a
// URL are left out.
std::string quote(std::string_view text);

// What came from variables is named by them and never quoted.
std::string from_variable(const Node&);  // "<from HOST, PORT>"
// "a map", "a list", "nothing", "'text'", "<from NAME>".
std::string describe(const Node&);
// "'key'", "<from NAME>".
std::string describe_key(const Node&);
// `own`, or "<from NAME>" where the node (which may be null) came from a variable.
std::string shown(const Node*, std::string own);

}  // namespace fusewire::config
