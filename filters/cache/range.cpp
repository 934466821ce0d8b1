// SPDX-License-Identifier: Apache-2.0
#include "filters/cache/range.hpp"

#include <algorithm>
#include <charconv>

#include "filters/list_field.hpp"

namespace fusewire::cache {
namespace {

// Digits only; more than fits is as large as can be said.
std::optional<std::size_t> number(std::string_view text) noexcept {
  if (text.empty() || text.find_first_not_of("0123456789") != std::string_view::npos) return std::nullopt;
  std::size_t value = 0;
  return std::from_chars(text.data(), text.data() + text.size(), value).ec == std::errc{} ? value : SIZE_MAX;
}

ByteRange suffix(std::string_view digits, std::size_t length) noexcept {
  const auto wanted = number(digits);
  if (!wanted) return {};
  if (*wanted == 0 || length == 0) return {ByteRange::Kind::unsatisfiable, 0, 0};
  const std::size_t size = std::min(*wanted, length);
  return {ByteRange::Kind::part, length - size, size};
}

ByteRange from_first(std::string_view first_digits, std::string_view last_digits, std::size_t length) noexcept {
  const auto first = number(first_digits);
  const auto last = last_digits.empty() ? std::optional<std::size_t>(SIZE_MAX) : number(last_digits);
  if (!first || !last || *last < *first) return {};
  if (*first >= length) return {ByteRange::Kind::unsatisfiable, 0, 0};
  return {ByteRange::Kind::part, *first, std::min(*last, length - 1) - *first + 1};
}

// If-Range wants exactly this representation: strong comparison, or the exact Last-Modified where that is strong
// (RFC 9110 §8.8.2.2: at least a second before the Date).
bool if_range_holds(std::string_view condition, const Entry& entry, HttpTime now) noexcept {
  if (condition.starts_with('"') || condition.starts_with("W/"))
    return condition == entry.etag && condition.starts_with('"');
  return entry.last_modified && parse_http_date(condition, now) == entry.last_modified &&
         *entry.last_modified + std::chrono::seconds(1) <= entry.freshness.date;
}

}  // namespace

ByteRange parse_range(std::string_view range, std::size_t length) noexcept {
  const std::size_t equals = range.find('=');
  if (equals == std::string_view::npos || !iequals(trim(range.substr(0, equals)), "bytes")) return {};
  const std::string_view spec = trim(range.substr(equals + 1));
  const std::size_t dash = spec.find('-');
  if (dash == std::string_view::npos) return {};
  if (dash == 0) return suffix(spec.substr(1), length);
  return from_first(spec.substr(0, dash), spec.substr(dash + 1), length);
}

ByteRange requested_range(const Request& request, const Entry& entry, HttpTime now) noexcept {
  const auto range = request.fields.find("range");
  if (!range || request.method != "GET" || entry.status != 200) return {};
  const auto condition = request.fields.find("if-range");
  if (condition && !if_range_holds(*condition, entry, now)) return {};
  return parse_range(*range, entry.body->size());
}

}  // namespace fusewire::cache
