// SPDX-License-Identifier: Apache-2.0
// What printed trees are made of.
#pragma once

#include <concepts>
#include <string>
#include <string_view>
#include <utility>

#include "config/config.hpp"
#include "config/node.hpp"
#include "config/scalars.hpp"

namespace fusewire::config {

inline Node node_of(Node::Kind kind) {
  Node node;
  node.kind = kind;
  return node;
}
inline Node map_node() { return node_of(Node::Kind::map); }
inline Node list_node() { return node_of(Node::Kind::list); }

// A word of the language: numbers, durations, sizes, true, off.
inline Node word_node(std::string_view word) {
  Node node = node_of(Node::Kind::scalar);
  node.text = word;
  return node;
}
// The operator's own text, which no one may take for anything else.
inline Node text_node(std::string_view text) {
  Node node = word_node(text);
  node.quoted = true;
  return node;
}

inline Node flag_node(bool value) { return word_node(value ? "true" : "false"); }
inline Node count_node(std::unsigned_integral auto value) { return word_node(std::to_string(value)); }
inline Node number_node(double value) { return word_node(format_number(value)); }
inline Node duration_node(milliseconds value) { return word_node(format_duration(value)); }
inline Node size_node(std::uint64_t value) { return word_node(value == kUnlimited ? "unlimited" : format_size(value)); }

inline void put(Node& map, std::string_view key, Node value) {
  value.key = key;
  map.children.push_back(std::move(value));
}

inline Node texts_node(const std::vector<std::string>& texts) {
  Node list = list_node();
  for (const std::string& text : texts) list.children.push_back(text_node(text));
  return list;
}

inline Node fields_node(const FieldList& fields) {
  Node map = map_node();
  for (const auto& [name, value] : fields) put(map, name, text_node(value));
  return map;
}

}  // namespace fusewire::config
