// SPDX-License-Identifier: Apache-2.0
// How the values of upstreams are written: their breakers, fallbacks and TLS.
#pragma once

#include <string>

#include "config/describe/forms.hpp"

namespace fusewire::config {

// Outcomes, statuses and classes of statuses.
class ConditionList : public ScalarList {
 public:
  enum class Of { calls, all };  // what a call can come to, or that none was made as well
  explicit constexpr ConditionList(Of of) : of_(of) {}
  void read(const Reader&, std::string_view key, Conditions& out) const;
  static std::optional<Node> print(const Conditions&);
  std::string schema() const;

 private:
  Of of_;
};

// Statuses and classes of statuses; at least one.
struct StatusList : ScalarList {
  static void read(const Reader&, std::string_view key, std::bitset<600>& out);
  static std::optional<Node> print(const std::bitset<600>&);
  static std::string schema() { return R"({"type": "array", "minItems": 1, "items": {"$ref": "#/$defs/status"}})"; }
};

// What the proxy itself asks an upstream for.
class AskedPath : public TextThat {
 public:
  constexpr AskedPath() : TextThat(is_request_path, "a path that begins with '/'") {}
};

inline constexpr Span kProbeSpan{.low = 10ms, .high = 24h};

// Its settings take the place of all that was read before; what is written beside it is read afterwards.
struct PresetName : Scalar {
  static void read(const Reader&, std::string_view key, CircuitBreaker& out);
  static std::optional<Node> print(const CircuitBreaker& breaker) { return word_node(breaker.preset); }
  static std::string schema();
  static std::string range();
};

inline constexpr Range kFromNothing{.low = 0, .high = 1'000'000};
inline constexpr Range kPerSecond{.low = 0, .high = 1'000'000, .low_included = false};
inline constexpr Span kAdaptiveSpan{.low = 1s, .high = 24h};
inline constexpr Span kBudgetSpan{.low = 1s, .high = 30s};

// Methods, or `idempotent` (RFC 9110 §9.2.2), which is the empty list.
struct RetriedMethods : ScalarList {
  static Shape shape();
  static std::string schema();
  static std::string range() { return "idempotent, or a list"; }
  static void read(const Reader&, std::string_view key, std::vector<std::string>& out);
  static std::optional<Node> print(const std::vector<std::string>&);
};

// 50ms, or p95.
struct DurationOrPercentile : Scalar {
  static void read(const Reader&, std::string_view key, HedgeDelay& out);
  static std::optional<Node> print(const HedgeDelay&);
  static std::string schema();
  static std::string range() { return "a duration, or p50 to p99"; }
};

// A regular expression in RE2's syntax; an empty one fits everything.
struct Pattern : Content {
  static void read(const Reader&, std::string_view key, std::string& out);
  static std::string schema();
};

// The name of a field, in lower case; empty: off.
struct FieldNameOrOff : Scalar {
  static void read(const Reader&, std::string_view key, std::string& out);
  static std::optional<Node> print(const std::string& name) {
    return name.empty() ? word_node("off") : text_node(name);
  }
  static std::string schema() { return R"({"anyOf": [{"type": "string"}, {"const": false}]})"; }
};

// Of an answer of our own: none that the proxy writes itself.
struct ResponseFields : FieldMap {
  static void read(const Reader&, std::string_view key, FieldList& out);
  static std::optional<Node> print(const FieldList& fields) { return fields_node(fields); }
};

// A file that a TLS library can read. Here it is only looked at.
struct PemFile : FilePath {
  static void read(const Reader&, std::string_view key, std::string& out);
};

// Or "system", which is printed where there is no file.
struct SystemOrPemFile : PemFile {
  static void read(const Reader&, std::string_view key, std::string& out);
  static std::optional<Node> print(const std::string& file) { return text_node(file.empty() ? "system" : file); }
};

}  // namespace fusewire::config
