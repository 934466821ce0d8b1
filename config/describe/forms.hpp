// SPDX-License-Identifier: Apache-2.0
// How a value is written, each form in one place: which nodes it is made of (shape), how it is read with its bounds and
// error sentences, how it is printed (nullopt: it is left out), and what the schema and the reference say of it.
#pragma once

#include <concepts>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "config/key.hpp"
#include "config/node_makers.hpp"
#include "config/reader.hpp"
#include "config/scalars.hpp"
#include "config/words.hpp"

namespace fusewire::config {

inline constexpr std::uint64_t kMaxConnections = 1'000'000;
inline constexpr Range kAnyAbove{.low = 1, .high = std::numeric_limits<double>::max()};
inline constexpr Range kShare{.low = 0, .high = 1};
inline constexpr Range kRatio{.low = 0, .high = 1, .low_included = false};
inline constexpr Span kFromZero{.low = 0ms};

// JSON: {"anyOf": [`first`, a value with ${NAME}]}.
std::string or_variable(std::string_view first);
// JSON: a list of the words, with `false` beside "off", and bare numbers beside words that read like some.
std::string enumeration(const std::vector<std::string_view>& words);

struct Scalar {
  static Shape shape() { return {}; }
  static std::string range() { return {}; }  // the values, in words, where a sentence does not name them
};

struct ScalarList {
  static Shape shape() { return {.kind = Shape::Kind::list, .item = std::make_shared<Shape>()}; }
  static std::string schema() { return R"({"type": "array", "items": {"type": "string"}})"; }
  static std::string range() { return {}; }
};

// Names of fields with their values.
struct FieldMap {
  static Shape shape() { return {.kind = Shape::Kind::names, .item = std::make_shared<Shape>()}; }
  static std::string schema() {
    return R"({"type": "object", "additionalProperties": {"type": ["string", "number", "boolean"]}})";
  }
  static std::string range() { return {}; }
};

class Count : public Scalar {
 public:
  constexpr Count(std::uint64_t low, std::uint64_t high) : low_(low), high_(high) {}
  template <std::integral T>
  void read(const Reader& reader, std::string_view key, T& out) const {
    auto value = static_cast<std::make_unsigned_t<T>>(out);
    reader.count(key, value, low_, high_);
    out = static_cast<T>(value);
  }
  static std::optional<Node> print(std::integral auto value) { return count_node(static_cast<std::uint64_t>(value)); }
  std::string schema() const;
  std::string range() const;

 private:
  std::uint64_t low_;
  std::uint64_t high_;
};

class CountOrOff : public Scalar {
 public:
  constexpr CountOrOff(std::uint32_t low, std::uint32_t high) : count_(low, high) {}
  void read(const Reader&, std::string_view key, std::optional<std::uint32_t>& out) const;
  static std::optional<Node> print(std::optional<std::uint32_t> value) {
    return value ? count_node(*value) : word_node("off");
  }
  std::string schema() const;
  std::string range() const { return "off, " + count_.range(); }

 private:
  Count count_;
};

class Bytes : public Scalar {
 public:
  constexpr Bytes(std::uint64_t low, std::uint64_t high) : low_(low), high_(high) {}
  void read(const Reader& reader, std::string_view key, std::unsigned_integral auto& out) const {
    reader.size(key, out, low_, high_);
  }
  static std::optional<Node> print(std::uint64_t value) { return size_node(value); }
  std::string schema() const;
  std::string range() const;

 private:
  std::uint64_t low_;
  std::uint64_t high_;
};

class Number : public Scalar {
 public:
  explicit constexpr Number(const Range& range) : range_(range) {}
  void read(const Reader& reader, std::string_view key, double& out) const { reader.number(key, out, range_); }
  static std::optional<Node> print(double value) { return number_node(value); }
  std::string schema() const;
  std::string range() const;

 private:
  Range range_;
};

class NumberOrOff : public Scalar {
 public:
  constexpr NumberOrOff(const Range& range, double initial) : number_(range), initial_(initial) {}
  void read(const Reader&, std::string_view key, std::optional<double>& out) const;
  static std::optional<Node> print(std::optional<double> value) {
    return value ? number_node(*value) : word_node("off");
  }
  std::string schema() const;
  std::string range() const { return "off, " + number_.range(); }

 private:
  Number number_;
  double initial_;  // where `off` is overwritten by a map that does not name it
};

class Duration : public Scalar {
 public:
  explicit constexpr Duration(const Span& span = {}) : span_(span) {}
  void read(const Reader& reader, std::string_view key, milliseconds& out) const { reader.duration(key, out, span_); }
  static std::optional<Node> print(milliseconds value) { return duration_node(value); }
  static std::string schema() { return R"({"$ref": "#/$defs/duration"})"; }
  std::string range() const;

 private:
  Span span_;
};

class DurationOrOff : public Scalar {
 public:
  explicit constexpr DurationOrOff(const Span& span = {}) : duration_(span) {}
  void read(const Reader&, std::string_view key, std::optional<milliseconds>& out) const;
  static std::optional<Node> print(std::optional<milliseconds> value) {
    return value ? duration_node(*value) : word_node("off");
  }
  std::string schema() const;
  std::string range() const { return "off, or a duration"; }

 private:
  Duration duration_;
};

struct Flag : Scalar {
  static void read(const Reader& reader, std::string_view key, bool& out) { reader.flag(key, out); }
  static std::optional<Node> print(bool value) { return flag_node(value); }
  static std::string schema() { return R"({"$ref": "#/$defs/flag"})"; }
};

template <class E, std::size_t N>
class OneOf : public Scalar {
 public:
  explicit constexpr OneOf(const Word<E> (&words)[N]) : words_(words) {}
  void read(const Reader& reader, std::string_view key, E& out) const { reader.word(key, out, words_); }
  std::optional<Node> print(E value) const {
    const std::string_view name = name_of(words_, value);
    return parse_number(name) ? text_node(name) : word_node(name);
  }
  std::string schema() const { return or_variable(enumeration(names())); }
  std::string range() const;

 private:
  std::vector<std::string_view> names() const { return names_of(std::span<const Word<E>>(words_)); }

  const Word<E> (&words_)[N];
};

template <class E, std::size_t N>
std::string OneOf<E, N>::range() const {
  std::string text;
  for (const std::string_view name : names()) text += (text.empty() ? "" : ", ") + std::string(name);
  return text;
}

// The operator's own text; nothing is printed where it is empty.
struct FreeText : Scalar {
  static void read(const Reader& reader, std::string_view key, std::string& out) { reader.text(key, out); }
  static std::optional<Node> print(const std::string& text) {
    return text.empty() ? std::nullopt : std::optional(text_node(text));
  }
  static std::string schema() { return R"({"type": "string"})"; }
};

// Printed even where it is empty.
struct Content : FreeText {
  static std::optional<Node> print(const std::string& text) { return text_node(text); }
};

// A text for which `is_good` holds: "expected WHAT, found …".
class TextThat : public FreeText {
 public:
  constexpr TextThat(bool (*is_good)(std::string_view), std::string_view what) : is_good_(is_good), what_(what) {}
  void read(const Reader& reader, std::string_view key, std::string& out) const;

 private:
  bool (*is_good_)(std::string_view);
  std::string_view what_;
};

// Relative to the file's folder. What is in it is read elsewhere.
struct FilePath : FreeText {
  static Shape shape() { return {.path = true}; }
};

}  // namespace fusewire::config
