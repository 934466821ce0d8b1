// SPDX-License-Identifier: Apache-2.0
#include "config/trap_places.hpp"

#include <charconv>

#include "config/messages.hpp"

namespace fusewire::config {
namespace {

const Node* child_named(const Node& node, const std::string& name) {
  if (node.kind != Node::Kind::list) return node.find(name);
  std::size_t index = 0;
  std::from_chars(name.data(), name.data() + name.size(), index);
  return index < node.children.size() ? &node.children[index] : nullptr;
}

}  // namespace

const Node* TrapPlaces::find(const Path& path) const {
  const Node* node = &root_;
  for (const std::string& key : path)
    if (node != nullptr) node = child_named(*node, key);
  return node;
}

void TrapPlaces::warn(const Path& path, std::string message) const {
  const Node* node = &root_;
  std::string whole;
  bool exact = true;
  for (const std::string& key : path) {
    const Node* next = exact ? child_named(*node, key) : nullptr;
    exact = next != nullptr;
    if (exact) node = next;
    whole = join(whole, exact && next->key_from_variable ? from_variable(*next) : key);
  }
  report_.warn(exact ? node->mark : node->key_mark, exact && !node->path.empty() ? node->path : whole,
               std::move(message));
}

}  // namespace fusewire::config
