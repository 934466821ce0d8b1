// SPDX-License-Identifier: Apache-2.0
// A described section out of a checked tree: each key by its form, then what more than one key decides (`finish`).
#pragma once

#include <concepts>
#include <optional>
#include <utility>

#include "config/describe/visitor.hpp"
#include "config/finish.hpp"
#include "config/merge.hpp"
#include "config/reader.hpp"

namespace fusewire::config {

template <class T, class D = Described>
void read_section(const Reader&, T&, const Node* under = nullptr, const D& = {});

class Read : public Visitor {
 public:
  // `under`: the map whose sections lie under the optional ones here; may be null.
  explicit Read(const Reader& reader, const Node* under = nullptr) : reader_(reader), under_(under) {}

  void required(Text key, Text what) { reader_.missing(key, what); }
  void when(bool in_use) { in_use_ = in_use; }

  template <class T, class Form>
  void key(Text name, T& member, const Form& form, Text, Sample = {}) {
    if (std::exchange(in_use_, true)) return form.read(reader_, name, member);
    T checked = member;
    form.read(reader_, name, checked);
  }
  void secret(Text name, std::string& member, Text, Sample) { reader_.text(name, member); }

  template <class T, class D = Described>
  void section(Text name, T& member, Text, const D& described = {}) {
    read_section(reader_.below(name), member, nullptr, described);
  }
  template <class T>
  void optional(Text name, std::optional<T>& member, Text, Sample = {}) {
    const Node* own = reader_.find(name);
    if (own == nullptr) return;
    const Node* below = under_ != nullptr ? under_->find(name) : nullptr;
    if (below == nullptr) return read_section(Reader(own, reader_.report()), member.emplace());
    Node whole = *own;
    merge_under(whole, *below);
    read_section(Reader(&whole, reader_.report()), member.emplace());
  }
  template <class T, class D = Described>
  void switchable(Text name, std::optional<T>& member, const T& initial, Text, const D& described = {}) {
    reader_.switchable(name, member, initial,
                       [&](const Reader& inner, T& value) { read_section(inner, value, nullptr, described); });
  }

  void only(Text name, Text word, std::initializer_list<Text> later, Text also = {}) {
    const Node* node = reader_.find(name);
    if (node != nullptr && (also.empty() || node->text != also)) reader_.only(name, word, later);
  }
  template <class D>
  void unbuilt(Text name, const D& described) {
    Read inner(reader_.below(name));
    described(inner);
  }

 private:
  Reader reader_;
  const Node* under_;
  bool in_use_ = true;
};

template <class T, class D>
void read_section(const Reader& reader, T& section, const Node* under, const D& described) {
  Read visitor(reader, under);
  described(visitor, section);
  if constexpr (std::same_as<D, Described> && requires { finish(reader, section); }) finish(reader, section);
}

}  // namespace fusewire::config
