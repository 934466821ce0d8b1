// SPDX-License-Identifier: Apache-2.0
// A key of the configuration file, and the shape of the value that it takes.
#pragma once

#include <cstdint>
#include <memory>
#include <string_view>
#include <vector>

namespace fusewire::config {

struct Shape;

struct Key {
  std::string_view name;
  std::shared_ptr<const Shape> shape = {};  // null: specified, but not built yet
  std::string_view accepts = {};  // not built yet: the one value that says so (off, false, 0, [], {}); empty: none
  bool named =
      true;  // built: in lists of valid keys, in suggestions and in the schema; not where only one value is taken
  bool built() const { return shape != nullptr; }
  bool shown() const { return built() && named; }
};

struct Shape {
  enum class Kind : std::uint8_t {
    scalar,
    list,   // of `item`
    map,    // of `keys`
    names,  // a map whose keys are the operator's own, each to an `item`
  };
  Kind kind = Kind::scalar;
  std::vector<Key> keys = {};
  std::shared_ptr<const Shape> item = {};
  bool off = false;                 // `off` may stand in its place
  std::string_view short_for = {};  // a single value stands for {short_for: value}
  bool word_is_key = false;         // a single word stands for {word: {}}
  std::string_view word = {};       // of a list: the one word that may stand in its place
  std::string_view usual = {};      // the key that is most likely meant where a single value stands in a map's place
  bool path = false;                // names a file
};

const Key* find_key(const Shape&, std::string_view name);

}  // namespace fusewire::config
