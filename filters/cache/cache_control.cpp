// SPDX-License-Identifier: Apache-2.0
#include "filters/cache/cache_control.hpp"

#include <algorithm>

#include "filters/list_field.hpp"

namespace fusewire::cache {
namespace {

struct Directive {
  std::string_view name;
  std::optional<std::string_view> argument;  // without quotes
};

Directive split(std::string_view member) noexcept {
  const std::size_t equals = member.find('=');
  if (equals == std::string_view::npos) return {member, std::nullopt};
  std::string_view argument = trim(member.substr(equals + 1));
  if (argument.size() >= 2 && argument.front() == '"' && argument.back() == '"')
    argument = argument.substr(1, argument.size() - 2);
  return {trim(member.substr(0, equals)), argument};
}

void merge(std::optional<seconds>& slot, std::optional<std::string_view> argument) noexcept {
  const seconds value = argument ? parse_delta(*argument).value_or(seconds{0}) : seconds{0};
  slot = slot && *slot != value ? seconds{0} : value;
}

void take(ResponseDirectives& d, const Directive& directive) noexcept {
  const auto is = [&](std::string_view name) { return iequals(directive.name, name); };
  if (is("no-store")) {
    d.no_store = true;
  } else if (is("no-cache")) {
    d.no_cache = true;
  } else if (is("private")) {
    d.private_ = true;
  } else if (is("public")) {
    d.public_ = true;
  } else if (is("must-revalidate")) {
    d.must_revalidate = true;
  } else if (is("proxy-revalidate")) {
    d.proxy_revalidate = true;
  } else if (is("must-understand")) {
    d.must_understand = true;
  } else if (is("max-age")) {
    merge(d.max_age, directive.argument);
  } else if (is("s-maxage")) {
    merge(d.s_maxage, directive.argument);
  } else if (is("stale-if-error")) {
    merge(d.stale_if_error, directive.argument);
  } else if (is("stale-while-revalidate")) {
    merge(d.stale_while_revalidate, directive.argument);
  }
}

void take(RequestDirectives& d, const Directive& directive) noexcept {
  const auto is = [&](std::string_view name) { return iequals(directive.name, name); };
  if (is("no-store")) {
    d.no_store = true;
  } else if (is("no-cache")) {
    d.no_cache = true;
  } else if (is("only-if-cached")) {
    d.only_if_cached = true;
  } else if (is("max-age")) {
    merge(d.max_age, directive.argument);
  } else if (is("max-stale")) {
    if (directive.argument || d.max_stale) {
      merge(d.max_stale, directive.argument);
    } else {
      d.max_stale = kMaxDelta;
    }
  } else if (is("min-fresh")) {
    merge(d.min_fresh, directive.argument);
  } else if (is("stale-if-error")) {
    merge(d.stale_if_error, directive.argument);
  }
}

// False when a field is malformed.
template <class Directives>
bool read(const Fields& fields, Directives& directives) noexcept {
  return for_each_member(fields, "cache-control", [&](std::string_view member) { take(directives, split(member)); });
}

}  // namespace

std::optional<seconds> parse_delta(std::string_view text) noexcept {
  if (text.empty()) return std::nullopt;
  seconds::rep value = 0;
  for (char c : text) {
    if (c < '0' || c > '9') return std::nullopt;
    if (value < kMaxDelta.count()) value = value * 10 + (c - '0');
  }
  return std::min(seconds{value}, kMaxDelta);
}

ResponseDirectives response_directives(const Fields& fields) noexcept {
  ResponseDirectives directives;
  directives.malformed = !read(fields, directives);
  return directives;
}

RequestDirectives request_directives(const Fields& fields) noexcept {
  RequestDirectives directives;
  read(fields, directives);
  if (!fields.find("cache-control"))
    for_each_member(fields, "pragma", [&](std::string_view member) {
      if (iequals(member, "no-cache")) directives.no_cache = true;
    });
  return directives;
}

}  // namespace fusewire::cache
