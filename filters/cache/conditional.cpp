// SPDX-License-Identifier: Apache-2.0
#include "filters/cache/conditional.hpp"

#include "filters/list_field.hpp"

namespace fusewire::cache {
namespace {

// Takes the first entity tag off the list; empty when there is none. Not a quoted string: a backslash is itself.
std::string_view take_etag(std::string_view& list) noexcept {
  const std::size_t from = list.find_first_not_of(" \t,");
  if (from == std::string_view::npos) return {};
  list.remove_prefix(from);
  const std::size_t open = list.starts_with("W/") ? 2 : 0;
  if (list.size() <= open || list[open] != '"') return {};
  const std::size_t close = list.find('"', open + 1);
  if (close == std::string_view::npos) return {};
  const std::string_view etag = list.substr(0, close + 1);
  list.remove_prefix(close + 1);
  return etag;
}

bool unmodified_since(std::string_view since_field, const Entry& entry, HttpTime now) noexcept {
  const auto since = parse_http_date(since_field, now);
  return since && entry.last_modified.value_or(entry.freshness.date) <= *since;
}

}  // namespace

bool only_origin_can_judge(const Request& request) noexcept {
  return request.fields.find("if-match") || request.fields.find("if-unmodified-since");
}

std::string conditions_for(const Entry& entry) {
  std::string lines;
  if (entry.status < 200 || entry.status >= 300) return lines;
  if (!entry.etag.empty()) lines.append("If-None-Match: ").append(entry.etag).append("\r\n");
  if (entry.last_modified)
    lines.append("If-Modified-Since: ").append(*entry.fields.find("last-modified")).append("\r\n");
  return lines;
}

bool none_match_lists(std::string_view list, std::string_view etag) noexcept {
  if (trim(list) == "*") return true;
  if (etag.empty()) return false;
  for (std::string_view tag = take_etag(list); !tag.empty(); tag = take_etag(list))
    if (opaque_tag(tag) == opaque_tag(etag)) return true;
  return false;
}

bool not_modified(const Request& request, const Entry& entry, HttpTime now) noexcept {
  if (entry.status != 200) return false;  // RFC 9110 §13.2.1: preconditions are for what would succeed
  bool asked = false;
  for (const Field& field : request.fields) {
    if (!iequals(field.name, "if-none-match")) continue;
    if (none_match_lists(field.value, entry.etag)) return true;
    asked = true;
  }
  if (asked) return false;
  const auto since = request.fields.find("if-modified-since");
  return since && unmodified_since(*since, entry, now);
}

}  // namespace fusewire::cache
