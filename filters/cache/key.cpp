// SPDX-License-Identifier: Apache-2.0
#include "filters/cache/key.hpp"

#include <algorithm>

namespace fusewire::cache {
namespace {

constexpr std::string_view kAfterScheme = "://";

// With room for what follows.
std::string origin(std::string_view scheme, std::string_view authority, std::size_t more) {
  std::string key;
  key.reserve(scheme.size() + kAfterScheme.size() + authority.size() + more);
  return key.append(scheme).append(kAfterScheme).append(authority);
}

std::string_view without_default_port(std::string_view scheme, std::string_view authority) noexcept {
  const std::string_view port = iequals(scheme, "https") ? ":443" : ":80";
  if (authority.ends_with(port)) return authority.substr(0, authority.size() - port.size());
  if (authority.ends_with(':')) return authority.substr(0, authority.size() - 1);
  return authority;
}

}  // namespace

std::string uri_key(const Request& request) {
  return origin(request.scheme, request.authority, request.path.size() + request.query.size())
      .append(request.path)
      .append(request.query);
}

std::optional<std::string> same_origin_key(const Request& request, std::string_view reference) {
  reference = reference.substr(0, reference.find('#'));
  std::string_view scheme = request.scheme;
  if (const std::size_t end = reference.find(kAfterScheme); end != std::string_view::npos && reference[0] != '/') {
    scheme = reference.substr(0, end);
    reference.remove_prefix(end + 1);
  }
  std::string_view rest = reference;
  if (reference.starts_with("//")) {
    const std::string_view authority = reference.substr(2, reference.find_first_of("/?", 2) - 2);
    if (!iequals(scheme, request.scheme) ||
        !iequals(without_default_port(scheme, authority), without_default_port(request.scheme, request.authority)))
      return std::nullopt;
    rest.remove_prefix(2 + authority.size());
  } else if (!reference.starts_with('/')) {
    return std::nullopt;
  }
  std::string key = origin(request.scheme, request.authority, rest.size() + 1);
  if (!rest.starts_with('/')) key += '/';
  return key.append(rest);
}

std::optional<std::string> usual_key(std::string_view key) {
  const std::string_view scheme = key.substr(0, key.find(kAfterScheme));
  const std::size_t from = scheme.size() + kAfterScheme.size();
  const std::size_t end = std::min(key.find('/', from), key.size());
  const std::string_view authority = without_default_port(scheme, key.substr(from, end - from));
  const bool is_lower = std::all_of(authority.begin(), authority.end(), [](char c) { return c == lower(c); });
  if (is_lower && authority.size() == end - from) return std::nullopt;
  std::string usual = origin(scheme, authority, key.size() - end).append(key.substr(end));
  for (std::size_t i = from; i < from + authority.size(); ++i) usual[i] = lower(usual[i]);
  return usual;
}

}  // namespace fusewire::cache
