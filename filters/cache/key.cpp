// SPDX-License-Identifier: Apache-2.0
#include "filters/cache/key.hpp"

#include <algorithm>
#include <cstdint>

#include "filters/list_field.hpp"

namespace fusewire::cache {
namespace {

void append_lower(std::string& out, std::string_view text) {
  const std::size_t from = out.size();
  out.append(text);
  for (std::size_t i = from; i < out.size(); ++i)
    if (out[i] >= 'A' && out[i] <= 'Z') out[i] = static_cast<char>(out[i] + 32);
}

std::string_view without_default_port(std::string_view scheme, std::string_view authority) noexcept {
  const std::string_view port = iequals(scheme, "https") ? ":443" : ":80";
  if (authority.ends_with(port)) return authority.substr(0, authority.size() - port.size());
  if (authority.ends_with(':')) return authority.substr(0, authority.size() - 1);
  return authority;
}

// "http://host/a?b" -> "/a?b"; other forms as they are.
std::string_view path_and_query(std::string_view target) noexcept {
  if (target.starts_with('/')) return target;
  const std::size_t scheme_end = target.find("://");
  if (scheme_end == std::string_view::npos) return target;
  const std::size_t path = target.find_first_of("/?", scheme_end + 3);
  return path == std::string_view::npos ? "/" : target.substr(path);
}

// With room for what join() will add.
std::string origin(std::string_view scheme, std::string_view authority, std::size_t more = 0) {
  std::string key;
  key.reserve(scheme.size() + 3 + authority.size() + 1 + more);
  append_lower(key, scheme);
  key += "://";
  append_lower(key, without_default_port(scheme, authority));
  return key;
}

std::string join(std::string origin_key, std::string_view path) {
  if (!path.starts_with('/') && path != "*") origin_key += '/';  // "http://host?q" has the path "/"
  return origin_key.append(path);
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
std::string normalised(std::string_view value, Syntax syntax) {
  if (value.find('"') != std::string_view::npos) return std::string(value);
  std::string text;
  text.reserve(value.size());
  for (const char c : value) {
    const bool white = c == ' ' || c == '\t';
    if (white && (text.empty() || is_separator(text.back()) || text.back() == ' ')) continue;
    if (is_separator(c) && text.ends_with(' ')) text.pop_back();
    if (white)
      text += ' ';
    else if (syntax == Syntax::list_any_case)
      append_lower(text, {&c, 1});
    else
      text += c;
  }
  return text;
}

std::optional<std::string> joined_value(const Fields& fields, std::string_view name) {
  std::optional<std::string> value;
  for (const Field& field : fields) {
    if (!iequals(field.name, name)) continue;
    if (value) {
      *value += ", ";
    } else {
      value.emplace();
    }
    *value += field.value;
  }
  return value;
}

bool same_value(std::string_view a, std::string_view b, std::string_view name) {
  if (a == b) return true;
  const Syntax syntax = syntax_of(name);
  return syntax != Syntax::unknown && normalised(a, syntax) == normalised(b, syntax);
}

bool matches(const Selecting& wanted, const Fields& fields) {
  const auto first = fields.find(wanted.name);
  if (!first || !wanted.value) return first.has_value() == wanted.value.has_value();
  const auto named = [&](const Field& field) { return iequals(field.name, wanted.name); };
  if (std::count_if(fields.begin(), fields.end(), named) == 1) return same_value(*first, *wanted.value, wanted.name);
  return same_value(*joined_value(fields, wanted.name), *wanted.value, wanted.name);
}

}  // namespace

std::string uri_key(const Request& request) {
  const std::string_view path = path_and_query(request.target);
  return join(origin(request.scheme, request.authority, path.size()), path);
}

std::optional<std::string> same_origin_key(const Request& request, std::string_view reference) {
  reference = reference.substr(0, reference.find('#'));
  std::string_view scheme = request.scheme;
  if (const std::size_t end = reference.find("://"); end != std::string_view::npos && reference[0] != '/') {
    scheme = reference.substr(0, end);
    reference.remove_prefix(end + 1);
  }
  const std::string ours = origin(request.scheme, request.authority);
  if (reference.starts_with("//")) {
    const std::string_view authority = reference.substr(2, reference.find_first_of("/?", 2) - 2);
    if (origin(scheme, authority) != ours) return std::nullopt;
    const std::string_view path = reference.substr(2 + authority.size());
    return join(ours, path);
  }
  if (!reference.starts_with('/')) return std::nullopt;
  return join(ours, reference);
}

std::vector<Selecting> selecting_fields(const Fields& response, const Fields& request) {
  std::vector<Selecting> fields;
  for_each_member(response, "vary", [&](std::string_view name) {
    fields.push_back({std::string(name), joined_value(request, name)});
  });
  return fields;
}

bool selects(const std::vector<Selecting>& fields, const Fields& request) {
  return std::all_of(fields.begin(), fields.end(), [&](const Selecting& field) { return matches(field, request); });
}

}  // namespace fusewire::cache
