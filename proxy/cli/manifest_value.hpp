// SPDX-License-Identifier: Apache-2.0
// A document of a Kubernetes manifest, as far as it has to be kept: order, types and quotes. Comments are not in it.
#pragma once

#include <cstddef>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

namespace fusewire::cli::manifest {

struct Entry;

struct Value {
  enum class Kind { null, scalar, list, map };

  Kind kind = Kind::null;
  std::string text;     // of a scalar
  bool string = false;  // a scalar that is a string whatever its text looks like: it was quoted, or a block
  bool flow = false;    // a list or map that stood on one line, in brackets
  std::vector<Value> items;
  std::vector<Entry> entries;

  // nullptr: there is none, or this is no map.
  Value* find(std::string_view key);
  // Its text; empty where it has none.
  std::string text_of(std::string_view key);
  void erase(std::string_view key);
  bool is_empty() const;
};

struct Entry {
  Value key;
  Value value;
};

// How it is written does not count.
inline bool operator==(const Value& a, const Value& b);
inline bool operator==(const Entry& a, const Entry& b) { return a.key == b.key && a.value == b.value; }
inline bool operator==(const Value& a, const Value& b) {
  return a.kind == b.kind && a.text == b.text && a.string == b.string && a.items == b.items && a.entries == b.entries;
}

inline Value* Value::find(std::string_view key) {
  for (Entry& entry : entries)
    if (entry.key.text == key) return &entry.value;
  return nullptr;
}
inline std::string Value::text_of(std::string_view key) {
  const Value* value = find(key);
  return value ? value->text : std::string();
}
inline void Value::erase(std::string_view key) {
  std::erase_if(entries, [key](const Entry& entry) { return entry.key.text == key; });
}
inline bool Value::is_empty() const {
  return kind == Kind::null || (kind != Kind::scalar && items.empty() && entries.empty());
}

// What is wrong, and where: "line 3, column 5: …".
struct Error : std::runtime_error {
  using std::runtime_error::runtime_error;
};

// What a text may ask of us at most, aliases expanded.
inline constexpr std::size_t kMaxValues = 500'000;
inline constexpr std::size_t kMaxBytes = 16 * 1024 * 1024;  // of keys and texts
inline constexpr std::size_t kMaxDepth = 100;

// Anchors, aliases and `<<` are expanded; documents without content are left out. Throws Error.
std::vector<Value> parse(const std::string& text);

// Block style, but for what stood on one line.
std::string write(const std::vector<Value>& documents);

}  // namespace fusewire::cli::manifest
