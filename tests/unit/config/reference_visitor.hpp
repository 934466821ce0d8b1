// SPDX-License-Identifier: Apache-2.0
// The descriptions of config/describe/ as the file that docs/configuration.md shows: every key with its default, or
// with a sample, and its sentence.
#pragma once

#include <string>
#include <utility>

#include "config/describe/print.hpp"
#include "config/describe/process.hpp"
#include "config/emit.hpp"

namespace fusewire::config {

// YAML on one line.
inline std::string flow_yaml(const Node& node) {
  if (node.kind == Node::Kind::scalar) {
    Node map = map_node();
    put(map, "x", node);
    const std::string line = emit_yaml(map);  // "x: VALUE\n"
    return line.substr(3, line.size() - 4);
  }
  std::string text;
  for (const Node& child : node.children)
    text += (text.empty() ? "" : ", ") + (child.key.empty() ? "" : child.key + ": ") + flow_yaml(child);
  return node.kind == Node::Kind::map ? '{' + text + '}' : '[' + text + ']';
}

class Reference : public Visitor {
 public:
  explicit Reference(std::string lead = {}) : lead_(std::move(lead)) {}

  const std::string& text() const { return text_; }

  void exactly_one(Text) { an_item_each_ = true; }
  void when(bool in_use) { in_use_ = in_use; }

  template <class T, class Form>
  void key(Text name, const T& member, const Form& form, Text sentence, Sample sample = {}) {
    const std::string whole = with_range(sentence, form.range());
    const bool in_use = std::exchange(in_use_, true);
    if (sample.kind != Sample::Kind::none) return line(name, sample, whole);
    const std::string usual = flow_yaml(form.print(member).value());
    line(name, in_use ? live(usual) : commented(usual), whole);
  }
  void secret(Text name, const std::string&, Text sentence, Sample sample) { line(name, sample, sentence); }
  template <class Form>
  void by_hand(Text name, const Form&, Text sentence, Sample sample) {
    line(name, sample, sentence);
  }

  template <class T, class D = Described>
  void section(Text name, T& member, Text sentence, const D& described = {}) {
    set_apart();
    line(name, live(), sentence);
    below("  ", member, described);
    set_apart();
  }
  template <class T>
  void optional(Text name, std::optional<T>&, Text sentence, Sample sample = {}) {
    line(name, sample, sentence);
    if (!sample.yaml.empty()) return;
    T member{};
    below(sample.kind == Sample::Kind::commented ? "#   " : "  ", member, Described{});
  }
  template <class T, class D = Described>
  void switchable(Text name, std::optional<T>& member, T initial, Text sentence, const D& described = {}) {
    if (member) return section(name, *member, sentence, described);
    line(name, live("off"), std::string(sentence) + ". On by a map of:");
    below("  # ", initial, described);
  }
  template <class T>
  void items(Text name, std::vector<T>& members, Text sentence, Sample sample = {}, ListSize = {}) {
    set_apart();
    if (sample.kind != Sample::Kind::none) {
      line(name, sample, sentence);
      if (sample.yaml.empty()) item<T>("  ");
      return;
    }
    Print print;
    print.items(name, members, {});
    line(name, live(flow_yaml(print.take().children[0])), sentence);
    item<T>("  # ");
  }
  template <class T>
  void named(Text name, std::vector<T>&, Text sentence, Text example, Text) {
    set_apart();
    line(name, live(), sentence);
    text_ += lead_ + "  " + std::string(example) + ":\n";
    T member{};
    below("    ", member, Described{});
    set_apart();
  }
  template <class T>
  void defaults_of(Text name, Text sentence) {
    set_apart();
    line(name, live("{}"), sentence);
  }

 private:
  static constexpr std::size_t kColumn = 46;  // where sentences begin
  static constexpr std::size_t kWidth = 150;

  // The range, unless the sentence says what all of its words mean.
  static std::string with_range(Text sentence, const std::string& range) {
    bool said = true;
    for (std::size_t from = 0; from < range.size();) {
      const std::size_t to = std::min(range.find(", ", from), range.size());
      said = said && sentence.find(range.substr(from, to - from)) != Text::npos;
      from = to + 2;
    }
    return std::string(sentence) + (said ? "" : " (" + range + ")");
  }

  // Sections of the file itself stand apart.
  void set_apart() { apart_ = lead_.empty(); }

  template <class T, class D>
  void below(const std::string& deeper, T& member, const D& described) {
    Reference inner(lead_ + deeper);
    described(inner, member);
    text_ += inner.text_;
  }
  template <class T>
  void item(const std::string& deeper) {
    T member{};
    Reference inner(lead_ + deeper + "  ");
    inner.begins_item_ = true;
    describe(inner, member);
    text_ += inner.text_;
  }

  void line(Text name, Sample sample, Text sentence) {
    if (std::exchange(apart_, false)) text_ += '\n';
    std::string start = lead_;
    if (std::exchange(begins_item_, an_item_each_) || an_item_each_) start[start.size() - 2] = '-';
    if (sample.kind == Sample::Kind::commented) start += "# ";
    start += std::string(name) + ':' + (sample.yaml.empty() ? "" : " ") + std::string(sample.yaml);
    // What goes on below is a comment in a commented section too.
    const std::size_t mark = lead_.find('#');
    const std::string margin = mark == std::string::npos ? "" : lead_.substr(0, mark + 1);
    std::size_t from = 0;
    while (from < sentence.size()) {
      start.resize(std::max(kColumn, start.size() + 2), ' ');
      start += "# ";
      const std::size_t room = kWidth - std::min(kWidth - 40, start.size());
      std::size_t to = sentence.size();
      if (to - from > room) to = sentence.rfind(' ', from + room);
      text_ += start + std::string(sentence.substr(from, to - from)) + '\n';
      from = to + 1;
      start = margin;
    }
  }

  std::string lead_;
  std::string text_;
  bool in_use_ = true;
  bool apart_ = false;  // an empty line comes first
  bool begins_item_ = false;
  bool an_item_each_ = false;
};

inline std::string reference_text() {
  Reference visitor;
  Config config;
  describe(visitor, config);
  return visitor.text();
}

}  // namespace fusewire::config
