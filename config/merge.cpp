// SPDX-License-Identifier: Apache-2.0
#include "config/merge.hpp"

namespace fusewire::config {

void merge_under(Node& over, const Node& under) {
  if (over.kind != Node::Kind::map || under.kind != Node::Kind::map) return;
  for (const Node& child : under.children) {
    if (Node* own = over.find(child.key))
      merge_under(*own, child);
    else
      over.children.push_back(child);
  }
}

}  // namespace fusewire::config
