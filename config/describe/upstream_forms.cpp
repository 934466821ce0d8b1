// SPDX-License-Identifier: Apache-2.0
#include "config/describe/upstream_forms.hpp"

#include <algorithm>
#include <stdexcept>

#include "config/messages.hpp"
#include "config/pattern.hpp"
#include "config/presets.hpp"
#include "config/report.hpp"
#include "config/section_parts.hpp"

namespace fusewire::config {
namespace {

constexpr std::string_view kIdempotent = "idempotent";
constexpr std::size_t kLongestPattern = 256;
constexpr std::size_t kLargestPem = 4 * kMiB;  // a bundle of authorities is some 200 KiB

// Fields that the proxy writes itself, from the body or for the connection.
constexpr std::string_view kOwnFields[] = {"connection", "content-length",    "keep-alive", "te",
                                           "trailer",    "transfer-encoding", "upgrade"};

void check_pattern(const Node& node, Report& report) {
  if (node.text.size() > kLongestPattern)
    return report.error(node, "expected a regular expression of at most 256 bytes");
  try {
    const CompiledPattern compiled(node.text);
  } catch (const std::invalid_argument& e) {
    report.error(node, "not a regular expression of RE2's syntax: " + std::string(e.what()));
  }
}

bool whole_class(const std::bitset<600>& statuses, std::size_t first) {
  for (std::size_t i = 0; i < 100; ++i)
    if (!statuses[first + i]) return false;
  return true;
}

void append_statuses(Node& list, const std::bitset<600>& statuses) {
  for (std::size_t first = 100; first < 600; first += 100) {
    if (whole_class(statuses, first)) {
      list.children.push_back(text_node(std::to_string(first / 100) + "xx"));
      continue;
    }
    for (std::size_t status = first; status < first + 100; ++status)
      if (statuses[status]) list.children.push_back(text_node(std::to_string(status)));
  }
}

// What a request's head has from the proxy itself, or what the proxy goes by; also where `_` stands for `-`.
bool is_own_field(std::string name) {
  constexpr std::string_view kOwn[] = {"authorization",
                                       "connection",
                                       "content-length",
                                       "date",
                                       "expect",
                                       "forwarded",
                                       "host",
                                       "if-modified-since",
                                       "if-none-match",
                                       "keep-alive",
                                       "max-forwards",
                                       "proxy-authenticate",
                                       "proxy-authorization",
                                       "proxy-connection",
                                       "te",
                                       "trailer",
                                       "transfer-encoding",
                                       "upgrade",
                                       "via",
                                       "www-authenticate",
                                       "x-forwarded-for",
                                       "x-forwarded-host",
                                       "x-forwarded-port",
                                       "x-forwarded-proto",
                                       "x-real-ip",
                                       "x-request-id"};
  std::replace(name.begin(), name.end(), '_', '-');
  return std::find(std::begin(kOwn), std::end(kOwn), name) != std::end(kOwn);
}

}  // namespace

void ConditionList::read(const Reader& reader, std::string_view key, Conditions& out) const {
  read_conditions(reader, key, out, of_ == Of::calls ? kCallOutcomes : std::size(kOutcomes));
}

std::optional<Node> ConditionList::print(const Conditions& conditions) {
  Node list = list_node();
  for (const auto& word : kOutcomes)
    if (conditions.*(word.value)) list.children.push_back(word_node(word.name));
  append_statuses(list, conditions.statuses);
  return list;
}

std::string ConditionList::schema() const {
  const std::string item = of_ == Of::calls ? "call_condition" : "condition";
  return R"({"type": "array", "items": {"$ref": "#/$defs/)" + item + "\"}}";
}

void StatusList::read(const Reader& reader, std::string_view key, std::bitset<600>& out) {
  const Node* list = reader.find(key);
  if (list == nullptr) return;
  Conditions found;
  read_conditions(reader, key, found, 0);
  if (list->children.empty()) reader.error(*list, "expected a list with at least one status such as 200 or 2xx");
  out = found.statuses;
}

std::optional<Node> StatusList::print(const std::bitset<600>& statuses) {
  Node list = list_node();
  append_statuses(list, statuses);
  return list;
}

void PresetName::read(const Reader& reader, std::string_view key, CircuitBreaker& out) {
  const Node* node = reader.find(key);
  if (node == nullptr) return;
  std::optional<CircuitBreaker> preset = preset_named(node->text);
  if (!preset) return reader.error(*node, "unknown preset " + describe(*node) + suggestion(node->text, preset_names()));
  preset->mode = out.mode;
  preset->scope = out.scope;
  out = *std::move(preset);
}

std::string PresetName::schema() { return or_variable(enumeration(preset_names())); }

std::string PresetName::range() {
  std::string text;
  for (const std::string_view name : preset_names()) text += (text.empty() ? "" : ", ") + std::string(name);
  return text;
}

Shape RetriedMethods::shape() {
  Shape list = ScalarList::shape();
  list.word = kIdempotent;
  return list;
}

std::string RetriedMethods::schema() { return R"({"anyOf": [{"const": "idempotent"}, )" + ScalarList::schema() + "]}"; }

void RetriedMethods::read(const Reader& reader, std::string_view key, std::vector<std::string>& out) {
  const Node* list = reader.find(key);
  if (list == nullptr) return;
  out.clear();
  if (list->children.size() == 1 && list->children.front().text == kIdempotent) return;
  for (const Node& item : list->children) {
    if (item.kind == Node::Kind::invalid) continue;
    if (!is_token(item.text) || to_lower(item.text) == item.text)
      reader.error(item, expected("a method in capitals, such as GET", item));
    else
      out.push_back(item.text);
  }
  if (list->children.empty()) reader.error(*list, "expected 'idempotent' or a list with at least one method");
}

std::optional<Node> RetriedMethods::print(const std::vector<std::string>& methods) {
  return methods.empty() ? word_node(kIdempotent) : texts_node(methods);
}

void DurationOrPercentile::read(const Reader& reader, std::string_view key, HedgeDelay& out) {
  const Node* node = reader.find(key);
  if (node == nullptr) return;
  const std::string_view text = node->text;
  const auto percentile = text.starts_with('p') ? parse_count(text.substr(1)) : std::nullopt;
  const auto time = parse_duration(text);
  if (percentile && *percentile >= HedgeDelay::kLowest && *percentile <= HedgeDelay::kHighest)
    out = {.fixed = milliseconds::zero(), .percentile = static_cast<unsigned>(*percentile)};
  else if (time && *time >= Span{}.low && *time <= Span{}.high)
    out = {.fixed = *time};
  else
    reader.error(*node, expected("a duration such as 50ms, or a percentile from p50 to p99", *node));
}

std::optional<Node> DurationOrPercentile::print(const HedgeDelay& delay) {
  return delay.is_percentile() ? word_node("p" + std::to_string(delay.percentile)) : duration_node(delay.fixed);
}

std::string DurationOrPercentile::schema() {
  return R"({"anyOf": [{"type": "string", "pattern": "^p[5-9][0-9]$"}, )" + Duration::schema() + "]}";
}

void Pattern::read(const Reader& reader, std::string_view key, std::string& out) {
  reader.text(key, out);
  if (const Node* pattern = reader.find(key)) check_pattern(*pattern, reader.report());
}

std::string Pattern::schema() { return R"({"type": "string", "maxLength": )" + std::to_string(kLongestPattern) + "}"; }

void FieldNameOrOff::read(const Reader& reader, std::string_view key, std::string& out) {
  const Node* name = reader.find(key);
  if (name == nullptr) return;
  out = name->is_off() ? "" : to_lower(name->text);
  if (!out.empty() && !is_token(out)) reader.error(*name, expected("a header name or 'off'", *name));
  if (is_own_field(out))
    reader.error(*name, expected("a header name that the proxy neither frames messages with nor writes itself", *name));
}

void ResponseFields::read(const Reader& reader, std::string_view key, FieldList& out) {
  out = read_fields(reader, key);
  for (const Node& field : reader.items(key))
    if (std::ranges::count(kOwnFields, to_lower(field.key)) != 0)
      reader.report().error(field.key_mark, field.path, "this field is written by the proxy itself");
}

void PemFile::read(const Reader& reader, std::string_view key, std::string& out) {
  const Node* node = reader.find(key);
  if (node == nullptr) return;
  out = node->text;
  check_file(*node, kLargestPem, reader.report());
}

void SystemOrPemFile::read(const Reader& reader, std::string_view key, std::string& out) {
  const Node* node = reader.find(key);
  if (node != nullptr && node->text != "system") PemFile::read(reader, key, out);
}

}  // namespace fusewire::config
