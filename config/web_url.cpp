// SPDX-License-Identifier: Apache-2.0
#include "config/web_url.hpp"

#include <algorithm>
#include <cctype>

namespace fusewire::config {
namespace {

constexpr std::string_view kForm = "expected http://HOST[:PORT][/PATH] or https://HOST[:PORT][/PATH]";
constexpr std::size_t kLongest = 2048;

// RFC 3986: what a path or a query is made of.
bool is_target_char(char c) {
  constexpr std::string_view kMarks = "-._~!$&'()*+,;=:@/?%";
  return std::isalnum(static_cast<unsigned char>(c)) != 0 || kMarks.find(c) != std::string_view::npos;
}

// Where the path or the query begins; the text's size where there is none.
std::size_t end_of_authority(std::string_view url) {
  const std::size_t scheme = url.find("://");
  if (scheme == std::string_view::npos) return url.size();
  return std::min(url.find_first_of("/?#", scheme + 3), url.size());
}

}  // namespace

Parsed<WebUrl> parse_web_url(std::string_view url) {
  const bool known = url.starts_with("http://") || url.starts_with("https://");
  if (!known || url.size() > kLongest) return {.error = std::string(kForm)};
  const std::size_t end = end_of_authority(url);
  if (url.substr(0, end).find('@') != std::string_view::npos)
    return {.error = "no user or password belongs in the URL; token_file names a file with a token"};
  if (url.find('#') != std::string_view::npos) return {.error = "a URL that is posted to has no fragment"};
  Parsed<Endpoint> endpoint = parse_endpoint(url.substr(0, end));
  if (!endpoint.value) return {.error = std::string(kForm)};
  std::string target(url.substr(end));
  if (!std::all_of(target.begin(), target.end(), is_target_char))
    return {.error = "the URL's path has a character that must be percent-encoded"};
  if (!target.starts_with('/')) target.insert(0, 1, '/');
  return {.value = WebUrl{*std::move(endpoint.value), std::move(target)}};
}

std::string shown_web_url(std::string_view url) {
  const std::size_t end = end_of_authority(url);
  if (end == url.size() || url.substr(end) == "/") return std::string(url);
  return std::string(url.substr(0, end)) + "/<redacted>";
}

}  // namespace fusewire::config
