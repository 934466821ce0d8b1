// SPDX-License-Identifier: Apache-2.0
#include "filters/cache/key.hpp"

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

}  // namespace fusewire::cache
