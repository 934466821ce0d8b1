// SPDX-License-Identifier: Apache-2.0
// A document as a tree of values, each with the place where it was written. One form for the file, the environment and
// the command line, so that they can be laid over each other before anything is interpreted.
#pragma once

#include <algorithm>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace fusewire::config {

enum class Origin : std::uint8_t { file, environment, command_line };

struct Mark {
  Origin origin = Origin::file;
  int line = 0;    // from 1; 0: not in a file
  int column = 0;  // from 1
};

struct Node {
  enum class Kind : std::uint8_t {
    null,
    scalar,
    list,
    map,
    invalid,  // already reported: present, but not to be read
  };
  Kind kind = Kind::null;
  bool quoted = false;             // a string for sure, never a number or a boolean
  bool implied = false;            // a short form written out: has its parent's path
  bool key_from_variable = false;  // with `from`: the key was part of a variable's value as well
  std::string key = {};            // in its map; empty elsewhere
  std::string text = {};           // scalars
  std::string from = {};  // the variables that the value came from, "HOST, PORT": no message quotes it; empty: none
  std::string path = {};  // the key path where it was written, which a merge does not change
  Mark mark = {};         // of the value
  Mark key_mark = {};     // of the key, or of the list's item
  std::vector<Node> children;  // lists, maps (in file order)

  const Node* find(std::string_view name) const {
    const auto it = std::find_if(children.begin(), children.end(), [&](const Node& c) { return c.key == name; });
    return it == children.end() ? nullptr : &*it;
  }
  Node* find(std::string_view name) { return const_cast<Node*>(std::as_const(*this).find(name)); }

  // A YAML 1.1 tool that rewrites a file turns `off` into `false`.
  bool is_off() const { return kind == Kind::scalar && (text == "off" || (text == "false" && !quoted)); }

  void invalidate() {
    kind = Kind::invalid;
    children.clear();
  }
};

inline std::string join(std::string_view path, std::string_view key) {
  std::string joined(path);
  if (!joined.empty()) joined += '.';
  joined += key;
  return joined;
}

}  // namespace fusewire::config
