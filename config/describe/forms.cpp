// SPDX-License-Identifier: Apache-2.0
#include "config/describe/forms.hpp"

namespace fusewire::config {
namespace {

std::string in_quotes(std::string_view text) { return '"' + std::string(text) + '"'; }

std::string from_to(const std::string& low, const std::string& high) { return low + " to " + high; }

}  // namespace

std::string or_variable(std::string_view first) {
  return "{\"anyOf\": [" + std::string(first) + R"(, {"$ref": "#/$defs/placeholder"}]})";
}

std::string enumeration(const std::vector<std::string_view>& words) {
  std::string list;
  std::string bare;
  for (const std::string_view word : words) {
    list += (list.empty() ? "" : ", ") + in_quotes(word);
    if (word == "off") bare += ", false";
    if (parse_number(word)) bare += ", " + std::string(word);
  }
  return "{\"enum\": [" + list + bare + "]}";
}

std::string Count::schema() const {
  if (low_ == high_) return "{\"const\": " + std::to_string(low_) + "}";
  return or_variable("{\"type\": \"integer\", \"minimum\": " + std::to_string(low_) +
                     ", \"maximum\": " + std::to_string(high_) + "}");
}

std::string Count::range() const { return low_ == high_ ? "" : from_to(std::to_string(low_), std::to_string(high_)); }

std::string Bytes::schema() const {
  constexpr std::string_view kSize = R"({"$ref": "#/$defs/size"})";
  if (high_ != kUnlimited) return std::string(kSize);
  return R"({"anyOf": [{"const": "unlimited"}, )" + std::string(kSize) + "]}";
}

std::string Bytes::range() const {
  return high_ == kUnlimited ? "unlimited, or a size" : from_to(format_size(low_), format_size(high_));
}

std::string Number::schema() const {
  std::string text = R"({"type": "number", )";
  text += (range_.low_included ? R"("minimum": )" : R"("exclusiveMinimum": )") + format_number(range_.low);
  if (range_.high != std::numeric_limits<double>::max()) text += R"(, "maximum": )" + format_number(range_.high);
  return or_variable(text + "}");
}

std::string Number::range() const {
  const std::string low = (range_.low_included ? "" : "above ") + format_number(range_.low);
  if (range_.high == std::numeric_limits<double>::max()) return "from " + low;
  return range_.low_included ? from_to(low, format_number(range_.high)) : low + ", up to " + format_number(range_.high);
}

void CountOrOff::read(const Reader& reader, std::string_view key, std::optional<std::uint32_t>& out) const {
  const Node* node = reader.find(key);
  if (node == nullptr) return;
  if (node->is_off()) return out.reset();
  std::uint32_t given = out.value_or(0);
  count_.read(reader, key, given);
  out = given;
}

std::string CountOrOff::schema() const {
  return R"({"anyOf": [)" + enumeration({"off"}) + ", " + count_.schema() + "]}";
}

void NumberOrOff::read(const Reader& reader, std::string_view key, std::optional<double>& out) const {
  const Node* node = reader.find(key);
  if (node == nullptr) return;
  if (node->is_off()) return out.reset();
  double given = out.value_or(initial_);
  number_.read(reader, key, given);
  out = given;
}

std::string NumberOrOff::schema() const {
  return R"({"anyOf": [)" + enumeration({"off"}) + ", " + number_.schema() + "]}";
}

std::string Duration::range() const {
  const Span usual;
  if (span_.low == usual.low && span_.high == usual.high) return {};
  if (span_.high == usual.high) return "from " + format_duration(span_.low);
  return from_to(format_duration(span_.low), format_duration(span_.high));
}

void DurationOrOff::read(const Reader& reader, std::string_view key, std::optional<milliseconds>& out) const {
  const Node* node = reader.find(key);
  if (node == nullptr) return;
  if (node->is_off()) return out.reset();
  milliseconds given{0};
  duration_.read(reader, key, given);
  if (given > milliseconds::zero()) out = given;
}

std::string DurationOrOff::schema() const {
  return R"({"anyOf": [)" + enumeration({"off"}) + ", " + Duration::schema() + "]}";
}

void TextThat::read(const Reader& reader, std::string_view key, std::string& out) const {
  reader.text(key, out);
  const Node* node = reader.find(key);
  if (node != nullptr && !is_good_(node->text)) reader.error(*node, expected(what_, *node));
}

}  // namespace fusewire::config
