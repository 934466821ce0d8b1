// SPDX-License-Identifier: Apache-2.0
#include "config/print.hpp"

#include "config/emit.hpp"
#include "config/from_variables.hpp"
#include "config/tree.hpp"

namespace fusewire::config {

// Without the token, so that the file loads as it stands: a made-up one would be a known password. A value
// that came from a variable has to be written as ${NAME} again before the text loads.
std::string to_yaml(const Config& config) {
  Node tree = tree_of(config, false);
  name_variables(tree, config.from_variables);
  std::string text = emit_yaml(tree);
  const bool shown = tree.find("admin")->find("token") != nullptr;
  if (!config.admin.token.empty() && !shown) text += "# admin.token is set and not shown\n";
  if (!config.from_variables.empty())
    text += "# <from NAME> came from a variable; as a file, this needs ${NAME} there\n";
  return text;
}

std::string to_json(const Config& config) {
  Node tree = tree_of(config, true);
  name_variables(tree, config.from_variables);
  return emit_json(tree);
}

}  // namespace fusewire::config
