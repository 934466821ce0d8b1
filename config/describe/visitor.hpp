// SPDX-License-Identifier: Apache-2.0
// What a description of a section can say. `describe(v, section)`, one function a struct, names every key once: the
// member that it fills, how its value is written (a form, forms.hpp), and one sentence. Five visitors are run over it:
//
//   Outline    (keys.cpp)   which keys there are: for the shape check and the overrides
//   Read       (read.hpp)   a checked tree into the members
//   Print      (print.hpp)  the members into the tree that is printed
//   Schema     (tests/unit/config/schema_visitor.hpp)     config/fusewire.schema.json
//   Reference  (tests/unit/config/reference_visitor.hpp)  the block "Every key" of docs/configuration.md
//
// Each derives from Visitor, whose functions do nothing, and says what it does with a key; their order is the order in
// lists of keys and in what is printed. Rules over several keys stand in the `*_section.cpp` files.
#pragma once

#include <initializer_list>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace fusewire::config {

// What the reference shows in the place of a default, as YAML. The schema then names no default.
struct Sample {
  enum class Kind { none, commented, live };
  Kind kind = Kind::none;
  std::string_view yaml = {};
};
constexpr Sample commented(std::string_view yaml) { return {Sample::Kind::commented, yaml}; }
constexpr Sample live(std::string_view yaml = {}) { return {Sample::Kind::live, yaml}; }

struct ListSize {
  std::size_t least = 0;
  std::size_t most = 0;  // 0 = no bound
};

// The description that a struct has of its own. Sections without a struct give a function of the same form.
struct Described {
  template <class V, class T>
  void operator()(V& v, T& section) const {
    describe(v, section);
  }
};

struct Visitor {
  using Text = std::string_view;

  // Of the section itself.
  void usual(Text /*key*/) {}                    // probably meant where a single value stands in the section's place
  void short_for(Text /*key*/) {}                // a single value stands for {key: value}
  void exactly_one(Text /*word*/) {}             // one key is given; `word` alone stands for {word: {}}
  void required(Text /*key*/, Text /*what*/) {}  // "missing; expected WHAT"
  void when(bool) {}  // the next key is in use only then; else it is checked, but neither kept nor printed

  template <class T, class Form>
  void key(Text, T& /*member*/, const Form&, Text /*sentence*/, Sample = {}) {}
  void secret(Text, std::string&, Text /*sentence*/, Sample) {}
  // A key that the code of its section reads, and that is not printed.
  template <class Form>
  void by_hand(Text, const Form&, Text /*sentence*/, Sample) {}

  template <class T, class D = Described>
  void section(Text, T&, Text /*sentence*/, const D& = {}) {}
  // Absent unless it is given; over the upstream's section of the same name, where it is a route's.
  template <class T>
  void optional(Text, std::optional<T>&, Text /*sentence*/, Sample = {}) {}
  // `off`, or a map that starts from what is there already, or from `initial`.
  template <class T, class D = Described>
  void switchable(Text, std::optional<T>&, const T& /*initial*/, Text /*sentence*/, const D& = {}) {}
  // A list of sections. The code of the section around it reads them and checks how many there are.
  template <class T>
  void items(Text, std::vector<T>&, Text /*sentence*/, Sample = {}, ListSize = {}) {}
  // The same by name, in a map that must be there; each must have the key `required`.
  template <class T>
  void named(Text, std::vector<T>&, Text /*sentence*/, Text /*example*/, Text /*required*/) {}
  // A section with the keys of T's, which is laid under others.
  template <class T>
  void defaults_of(Text, Text /*sentence*/) {}

  // Specified, but not built yet: only `accepts` passes, which says what is done today (empty: nothing does).
  void later(Text, Text /*accepts*/ = {}) {}
  // The same for one word; `words` are refused as not built yet, `also` passes.
  void only(Text, Text /*word*/, std::initializer_list<Text> /*words*/, Text /*also*/ = {}) {}
  // A section that holds nothing but such keys.
  template <class D>
  void unbuilt(Text, const D&) {}
};

}  // namespace fusewire::config
