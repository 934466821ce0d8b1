// SPDX-License-Identifier: Apache-2.0
#include "config/section_parts.hpp"

#include <algorithm>
#include <span>

#include "config/addresses.hpp"
#include "config/file_text.hpp"
#include "config/messages.hpp"
#include "config/scalars.hpp"

namespace fusewire::config {
namespace {

// "5xx" or "503"; false when it is neither.
bool add_statuses(std::string_view text, std::bitset<600>& statuses) {
  if (text.size() != 3 || text[0] < '1' || text[0] > '5') return false;
  const auto first = static_cast<std::size_t>(text[0] - '0') * 100;
  if (text.substr(1) == "xx") {
    for (std::size_t i = 0; i < 100; ++i) statuses.set(first + i);
    return true;
  }
  const std::optional<std::uint64_t> status = parse_count(text);
  if (status) statuses.set(*status);
  return status.has_value();
}

}  // namespace

void read_conditions(const Reader& reader, std::string_view key, Conditions& out, std::size_t outcomes) {
  if (reader.find(key) == nullptr) return;
  Conditions conditions;
  for (const Node& item : reader.items(key)) {
    if (item.kind != Node::Kind::scalar || add_statuses(item.text, conditions.statuses)) continue;
    const auto allowed = std::span(kOutcomes).first(outcomes);
    const auto word = std::find_if(allowed.begin(), allowed.end(), [&](const auto& w) { return w.name == item.text; });
    if (word != allowed.end()) {
      conditions.*(word->value) = true;
      continue;
    }
    std::vector<std::string_view> names = names_of(allowed);
    names.insert(names.end(), {"a status such as 503", "a class such as 5xx"});
    reader.error(item, "unknown condition " + describe(item) + suggestion(item.text, names));
  }
  out = conditions;
}

void read_address(const Node& node, Address& out, Report& report) {
  Parsed<Address> parsed = parse_address(node.text);
  if (parsed.value)
    out = *std::move(parsed.value);
  else
    report.error(node, parsed.error + "; found " + describe(node));
}

FieldList read_fields(const Reader& reader, std::string_view key) {
  FieldList fields;
  for (const Node& field : reader.items(key)) {
    if (field.kind == Node::Kind::invalid) continue;
    if (!is_token(field.key))
      reader.report().error(field.key_mark, field.path, "expected a header name, found " + describe_key(field));
    else if (!is_field_value(field.text))
      reader.error(field, "expected a field's value without control characters");
    else
      fields.emplace_back(field.key, field.text);
  }
  return fields;
}

void check_file(const Node& path, std::size_t limit, Report& report) { read_file(path, limit, report); }

std::optional<std::string> read_file(const Node& path, std::size_t limit, Report& report) {
  if (report.no_files()) return std::nullopt;
  std::optional<std::string> content = read_regular_file(path.text, limit).text;
  if (!content) {
    report.error(path, "cannot read the file " + describe(path));
  } else if (content->size() > limit) {
    report.error(path, "the file " + describe(path) + " is larger than " + format_size(limit));
    content.reset();
  }
  return content;
}

}  // namespace fusewire::config
