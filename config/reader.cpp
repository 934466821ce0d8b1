// SPDX-License-Identifier: Apache-2.0
#include "config/reader.hpp"

#include <algorithm>

#include "config/messages.hpp"
#include "config/scalars.hpp"

namespace fusewire::config {
namespace {

// For what is written without quotes: a quoted number is a string, as in JSON.
std::string expected_bare(std::string_view what, const Node& found) {
  return expected(what, found) + (found.quoted ? " (a string: write it without quotes)" : "");
}

std::string describe_counts(std::uint64_t low, std::uint64_t high) {
  if (low == high) return std::to_string(low);
  return "a whole number from " + std::to_string(low) + " to " + std::to_string(high);
}

std::string describe_range(const Range& range) {
  if (range.high == std::numeric_limits<double>::max()) return "a number from " + format_number(range.low);
  const std::string upto = format_number(range.high);
  if (range.low_included) return "a number from " + format_number(range.low) + " to " + upto;
  return "a number above " + format_number(range.low) + ", up to " + upto;
}

bool contains(const Range& range, double value) {
  return (range.low_included ? value >= range.low : value > range.low) && value <= range.high;
}

}  // namespace

std::string expected(std::string_view what, const Node& found) {
  return "expected " + std::string(what) + ", found " + describe(found);
}

const Node* Reader::find(std::string_view key) const {
  const Node* node = map_ != nullptr ? map_->find(key) : nullptr;
  return node != nullptr && node->kind != Node::Kind::invalid ? node : nullptr;
}

const std::vector<Node>& Reader::items(std::string_view key) const {
  static const std::vector<Node> kNone;
  const Node* node = find(key);
  return node != nullptr ? node->children : kNone;
}

void Reader::missing(std::string_view key, std::string_view what) const {
  if (map_ == nullptr || has(key)) return;
  report_.error(map_->key_mark, join(map_->path, key), "missing; expected " + std::string(what));
}

std::optional<std::uint64_t> Reader::read_count(std::string_view key, std::uint64_t low, std::uint64_t high) const {
  const Node* node = find(key);
  if (node == nullptr) return std::nullopt;
  const auto value = !node->quoted ? parse_count(node->text) : std::nullopt;
  if (value && *value >= low && *value <= high) return value;
  error(*node, expected_bare(describe_counts(low, high), *node));
  return std::nullopt;
}

std::optional<std::uint64_t> Reader::read_size(std::string_view key, std::uint64_t low, std::uint64_t high) const {
  const Node* node = find(key);
  if (node == nullptr) return std::nullopt;
  const bool unlimited = high == kUnlimited && node->text == "unlimited";
  const auto value = unlimited ? kUnlimited : parse_size(node->text);
  if (value && *value >= low && *value <= high) return value;
  std::string what = "a size such as 64KiB or 1MB";
  if (high == kUnlimited)
    what += ", or unlimited";
  else
    what += ", from " + format_size(low) + " to " + format_size(high);
  error(*node, expected(what, *node));
  return std::nullopt;
}

void Reader::number(std::string_view key, double& out, const Range& range) const {
  const Node* node = find(key);
  if (node == nullptr) return;
  const auto value = !node->quoted ? parse_number(node->text) : std::nullopt;
  if (value && contains(range, *value))
    out = *value;
  else
    error(*node, expected_bare(describe_range(range), *node));
}

void Reader::duration(std::string_view key, milliseconds& out, const Span& span) const {
  const Node* node = find(key);
  if (node == nullptr) return;
  const auto value = parse_duration(node->text);
  if (value && *value >= span.low && *value <= span.high) {
    out = *value;
  } else if (value) {
    error(*node, expected("a duration from " + format_duration(span.low) + " to " + format_duration(span.high), *node));
  } else {
    const std::string hint = parse_number(node->text) ? "; a bare number has no unit" : "";
    error(*node, expected("a duration such as 250ms, 1.5s, 10m or 1h", *node) + hint);
  }
}

void Reader::flag(std::string_view key, bool& out) const {
  const Node* node = find(key);
  if (node == nullptr) return;
  const bool yes = node->text == "true" || node->text == "on";
  const bool no = node->text == "false" || node->text == "off";
  const bool quoted_boolean = node->quoted && (node->text == "true" || node->text == "false");
  if ((yes || no) && !quoted_boolean)
    out = yes;
  else
    error(*node, expected_bare("true or false (or on, off)", *node));
}

void Reader::text(std::string_view key, std::string& out) const {
  if (const Node* node = find(key)) out = node->text;
}

void Reader::only(std::string_view key, std::string_view word, std::initializer_list<std::string_view> later) const {
  const Node* node = find(key);
  if (node != nullptr && node->text != word) refuse_word(*node, {word}, later);
}

void Reader::refuse_word(const Node& node, const std::vector<std::string_view>& words,
                         std::initializer_list<std::string_view> later) const {
  if (std::find(later.begin(), later.end(), node.text) != later.end()) {
    std::string message = describe(node) + " is not supported yet; only";
    for (std::string_view word : words) message += (word == words.front() ? " '" : ", '") + std::string(word) + "'";
    return error(node, message + " is");
  }
  error(node, "unknown value " + describe(node) + suggestion(node.text, words));
}

}  // namespace fusewire::config
