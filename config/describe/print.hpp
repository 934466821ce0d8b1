// SPDX-License-Identifier: Apache-2.0
// A described section as the tree that is printed, every default written out.
#pragma once

#include <optional>
#include <utility>

#include "config/describe/visitor.hpp"
#include "config/node_makers.hpp"

namespace fusewire::config {

class Print : public Visitor {
 public:
  explicit Print(bool show_redacted = false) : show_redacted_(show_redacted) {}

  void short_for(Text key) { short_for_ = key; }
  void when(bool in_use) { in_use_ = in_use; }

  template <class T, class Form>
  void key(Text name, const T& member, const Form& form, Text, Sample = {}) {
    if (!std::exchange(in_use_, true)) return;
    if (std::optional<Node> value = form.print(member)) put(map_, name, *std::move(value));
  }
  // That there is one, and never which.
  void secret(Text name, const std::string& member, Text, Sample) {
    if (show_redacted_ && !member.empty()) put(map_, name, text_node("<redacted>"));
  }

  template <class T, class D = Described>
  void section(Text name, T& member, Text, const D& described = {}) {
    put(map_, name, inner(member, described).map_);
  }
  template <class T>
  void optional(Text name, std::optional<T>& member, Text sentence, Sample = {}) {
    if (member) section(name, *member, sentence);
  }
  template <class T, class D = Described>
  void switchable(Text name, std::optional<T>& member, const T&, Text sentence, const D& described = {}) {
    if (member)
      section(name, *member, sentence, described);
    else
      put(map_, name, word_node("off"));
  }
  template <class T>
  void items(Text name, std::vector<T>& members, Text, Sample = {}, ListSize = {}) {
    Node list = list_node();
    for (T& member : members) list.children.push_back(inner(member, Described{}).as_item());
    put(map_, name, std::move(list));
  }
  template <class T>
  void named(Text name, std::vector<T>& members, Text, Text, Text) {
    Node map = map_node();
    for (T& member : members) put(map, member.name, inner(member, Described{}).map_);
    put(map_, name, std::move(map));
  }

  Node take() { return std::move(map_); }

 private:
  template <class T, class D>
  Print inner(T& member, const D& described) const {
    Print visitor(show_redacted_);
    described(visitor, member);
    return visitor;
  }

  // In its short form, where that says it all.
  Node as_item() {
    if (map_.children.size() != 1 || map_.children[0].key != short_for_) return take();
    Node value = std::move(map_.children[0]);
    value.key.clear();
    return value;
  }

  Node map_ = map_node();
  Text short_for_;
  bool show_redacted_;
  bool in_use_ = true;
};

template <class T>
Node print_section(T section, bool show_redacted = false) {
  Print visitor(show_redacted);
  describe(visitor, section);
  return visitor.take();
}

}  // namespace fusewire::config
