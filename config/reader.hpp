// SPDX-License-Identifier: Apache-2.0
// Reads the values of one map into plain members: a key that is absent leaves the member as it is, one that does not
// fit is reported where it was written. Made for a section, lives on the stack.
#pragma once

#include <concepts>
#include <limits>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "config/node.hpp"
#include "config/report.hpp"
#include "config/words.hpp"

namespace fusewire::config {

struct Range {
  double low = 0;
  double high = 1;
  bool low_included = true;
};

struct Span {
  milliseconds low{1};
  milliseconds high = 24h * 365;
};

class Reader {
 public:
  // `map` may be null: every key is then absent.
  Reader(const Node* map, Report& report) : map_(map), report_(report) {}

  // Null when absent, or refused already.
  const Node* find(std::string_view key) const;
  bool has(std::string_view key) const { return map_ != nullptr && map_->find(key) != nullptr; }
  const std::vector<Node>& items(std::string_view key) const;  // of a list or a map; empty when absent
  Reader below(std::string_view key) const { return {find(key), report_}; }

  template <std::unsigned_integral T>
  void count(std::string_view key, T& out, std::uint64_t low, std::uint64_t high) const {
    if (const auto value = read_count(key, low, high)) out = static_cast<T>(*value);
  }
  template <std::unsigned_integral T>
  void size(std::string_view key, T& out, std::uint64_t low, std::uint64_t high) const {
    if (const auto value = read_size(key, low, high)) out = static_cast<T>(*value);
  }
  void number(std::string_view key, double& out, const Range&) const;
  void duration(std::string_view key, milliseconds& out, const Span& = {}) const;
  void flag(std::string_view key, bool& out) const;
  void text(std::string_view key, std::string& out) const;

  template <class E, std::size_t N>
  void word(std::string_view key, E& out, const Word<E> (&words)[N]) const {
    const Node* node = find(key);
    if (node == nullptr) return;
    for (const auto& word : words) {
      if (word.name != node->text) continue;
      out = word.value;
      return;
    }
    refuse_word(*node, names_of(std::span<const Word<E>>(words)), {});
  }
  // A key that has only one built value, and no member; `later`: words that are specified, but not built yet.
  void only(std::string_view key, std::string_view word, std::initializer_list<std::string_view> later) const;

  // A detector: `off`, or a map that starts from what is there already, or from `T{}`. `read(Reader, T&)`.
  template <class T, class Read>
  void switchable(std::string_view key, std::optional<T>& out, T initial, Read read) const {
    const Node* node = find(key);
    if (node == nullptr) return;
    if (node->is_off()) {
      out.reset();
      return;
    }
    T value = out.value_or(initial);
    read(Reader(node, report_), value);
    out = value;
  }

  void error(const Node& at, std::string message) const { report_.error(at, std::move(message)); }
  void missing(std::string_view key, std::string_view what) const;
  // Of the map; where it is absent, nothing.
  const Node* map() const { return map_; }
  Report& report() const { return report_; }

 private:
  std::optional<std::uint64_t> read_count(std::string_view key, std::uint64_t low, std::uint64_t high) const;
  std::optional<std::uint64_t> read_size(std::string_view key, std::uint64_t low, std::uint64_t high) const;
  void refuse_word(const Node&, const std::vector<std::string_view>& words,
                   std::initializer_list<std::string_view> later) const;

  const Node* map_;
  Report& report_;
};

// "expected WHAT, found 'text'".
std::string expected(std::string_view what, const Node& found);

}  // namespace fusewire::config
