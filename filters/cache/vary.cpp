// SPDX-License-Identifier: Apache-2.0
#include "filters/cache/vary.hpp"

#include <algorithm>
#include <cstdint>
#include <utility>

#include "filters/connection_field.hpp"
#include "filters/list_field.hpp"

namespace fusewire::cache {
namespace {

// Conditions are replaced when the cache asks with its own; Connection and Upgrade come with a switch of protocols.
bool written_by_proxy(std::string_view name, std::string_view deadline_header) noexcept {
  constexpr std::array<std::string_view, 12> kNames = {
      "forwarded", "x-forwarded-for", "x-forwarded-proto", "x-forwarded-host", "x-forwarded-port", "x-real-ip",
      "via",       "x-request-id",    "connection",        "upgrade",          "if-none-match",    "if-modified-since"};
  return reads_like_any(name, kNames) || (!deadline_header.empty() && reads_like(name, deadline_header));
}

// Whether the upstream does not see this field, whatever the client says in it.
bool ends_here(std::string_view name, const Fields& request) noexcept {
  constexpr std::array<std::string_view, 5> kNames = {"te", "trailer", "keep-alive", "proxy-connection",
                                                      "transfer-encoding"};
  return reads_like_any(name, kNames) || named_by_connection(request, name);
}

// What may be taken for the same although it is written differently (RFC 9111 §4.1): white space between the members of
// these lists means nothing, and neither does the case of languages and codings. Their order may mean something.
enum class Syntax : std::uint8_t { unknown, list, list_any_case };

Syntax syntax_of(std::string_view name) noexcept {
  if (iequals(name, "accept-encoding") || iequals(name, "accept-language")) return Syntax::list_any_case;
  if (iequals(name, "accept") || iequals(name, "accept-charset")) return Syntax::list;
  return Syntax::unknown;
}

bool is_separator(char c) noexcept { return c == ',' || c == ';'; }

// Without white space around separators; as it is where a quoted string is in it.
template <class String>
void normalise(String& text, Syntax syntax) {
  if (syntax == Syntax::unknown || text.find('"') != String::npos) return;
  std::size_t size = 0;  // of what is done, at the beginning of the same string: it never gets longer
  for (const char c : text) {
    const bool white = c == ' ' || c == '\t';
    const char last = size == 0 ? ',' : text[size - 1];
    if (white && (is_separator(last) || last == ' ')) continue;
    if (is_separator(c) && last == ' ') --size;
    text[size++] = white ? ' ' : syntax == Syntax::list_any_case ? lower(c) : c;
  }
  text.resize(size);
}

template <class Visit>
void for_each_line(const Fields& fields, std::string_view name, Visit&& visit) {
  for (const Field& field : fields)
    if (iequals(field.name, name)) visit(field.value);
}

// The bytes of all lines, joined; nullopt: there is none, or none that the upstream sees.
std::optional<std::size_t> size_of(const Fields& request, std::string_view name) noexcept {
  std::optional<std::size_t> size;
  for_each_line(request, name, [&](std::string_view line) { size = (size ? *size + 2 : 0) + line.size(); });
  return size && ends_here(name, request) ? std::nullopt : size;
}

// Into an empty string. All lines are one list (RFC 9110 §5.3).
template <class String>
void read(String& text, const Fields& request, std::string_view name) {
  bool first = true;
  for_each_line(request, name, [&](std::string_view line) {
    if (!std::exchange(first, false)) text += ", ";
    text += line;
  });
  normalise(text, syntax_of(name));
}

// visit(name) for each field that the response was chosen by. False: Vary is malformed.
template <class Visit>
bool for_each_selecting(const Fields& response, Visit&& visit) {
  return for_each_member(response, "vary", [&](std::string_view name) {
    if (!iequals(name, "host")) visit(name);
  });
}

}  // namespace

bool varies_by_anything(const Fields& response, std::string_view deadline_header) noexcept {
  bool any = false;
  const bool well_formed = for_each_selecting(
      response, [&](std::string_view name) { any = any || name == "*" || written_by_proxy(name, deadline_header); });
  return any || !well_formed;
}

std::size_t selecting_bytes(const Fields& response, const Fields& request) noexcept {
  std::size_t bytes = 0;
  for_each_selecting(response, [&](std::string_view name) {
    bytes += sizeof(Selecting) + name.size() + size_of(request, name).value_or(0);
  });
  return bytes;
}

std::vector<Selecting> selecting_fields(const Fields& response, const Fields& request) {
  std::vector<Selecting> fields;
  for_each_selecting(response, [&](std::string_view name) {
    Selecting& field = fields.emplace_back(Selecting{std::string(name), std::nullopt});
    if (size_of(request, name)) read(field.value.emplace(), request, name);
  });
  return fields;
}

bool Presented::is_selecting(const std::vector<Selecting>& fields) {
  return std::all_of(fields.begin(), fields.end(), [&](const Selecting& field) {
    const Value& value = value_of(field.name);
    if (value.is_long || !value.text || !field.value) return !value.is_long && !value.text && !field.value;
    return std::string_view(*value.text) == *field.value;
  });
}

const Presented::Value& Presented::value_of(std::string_view name) {
  for (const Value& value : values_)
    if (iequals(value.name, name)) return value;
  const auto size = size_of(request_, name);
  if (values_.empty()) values_.reserve(6);  // as many as fit, with their text
  Value& value = values_.emplace_back(Value{std::pmr::string(name, &pool_), std::nullopt, size > kMaxSelectingBytes});
  if (!size || value.is_long) return value;
  std::pmr::string& text = value.text.emplace(&pool_);
  text.reserve(*size);
  read(text, request_, name);
  return value;
}

}  // namespace fusewire::cache
