// SPDX-License-Identifier: Apache-2.0
#include "proxy/admin/target.hpp"

#include <algorithm>

#include <boost/url/encode.hpp>
#include <boost/url/grammar.hpp>
#include <boost/url/parse.hpp>
#include <boost/url/rfc/pchars.hpp>
#include <boost/url/rfc/pct_encoded_rule.hpp>

namespace fusewire::proxy::admin {
namespace {

namespace urls = boost::urls;

// Some clients send characters unescaped that RFC 3986 allows only as escapes: they are accepted as the same text.
std::string escape_others(std::string_view text) {
  constexpr auto kAllowed = urls::pchars + '/' + '?';
  std::string escaped;
  for (const char& c : text) {
    if (c == '%' || kAllowed(static_cast<unsigned char>(c)))
      escaped += c;
    else
      urls::encode({&c, 1}, kAllowed, {}, urls::string_token::append_to(escaped));
  }
  return escaped;
}

std::optional<std::string> decode(urls::pct_string_view escaped) {
  std::string text = escaped.decode();
  const auto is_control = [](char c) { return static_cast<unsigned char>(c) < 0x20 || c == 0x7F; };
  return std::ranges::any_of(text, is_control) ? std::nullopt : std::optional(std::move(text));
}

// One for each slash: url_view::segments leaves a single empty one out, and a leading ".".
bool read_path(urls::pct_string_view path, Target& target) {
  constexpr auto kSlash = urls::grammar::squelch(urls::grammar::delim_rule('/'));
  constexpr auto kSegment = urls::grammar::tuple_rule(kSlash, urls::pct_encoded_rule(urls::pchars));
  const auto segments = urls::grammar::parse(path, urls::grammar::range_rule(kSegment, 1));
  if (!segments) return false;
  for (const urls::pct_string_view segment : *segments) {
    auto text = decode(segment);
    if (!text) return false;
    target.segments.push_back(std::move(*text));
  }
  return true;
}

bool read_query(urls::params_encoded_view params, Target& target) {
  std::size_t left = params.size();
  for (const urls::param_pct_view param : params) {
    --left;
    auto name = decode(param.key);
    auto value = decode(param.value);
    if (!name || !value) return false;
    if (name->empty()) return left == 0 && !param.has_value;  // after a last '&', or a '?' that nothing follows
    target.query.emplace_back(std::move(*name), std::move(*value));
  }
  return true;
}

// Takes scheme and authority off an absolute-form; false where there is no authority.
bool take_authority(std::string_view& text, Target& target) {
  for (const std::string_view scheme : {"http://", "https://"}) {
    if (!text.starts_with(scheme)) continue;
    text.remove_prefix(scheme.size());
    const std::size_t path = std::min(text.find_first_of("/?"), text.size());
    target.authority = text.substr(0, path);
    text.remove_prefix(path);
    if (text.empty()) text = "/";
    return !target.authority.empty();
  }
  return true;
}

}  // namespace

std::optional<Target> parse_target(std::string_view text) {
  Target target;
  if (!take_authority(text, target)) return std::nullopt;
  const std::string escaped = escape_others(text);
  const auto url = urls::parse_origin_form(escaped);
  if (!url || !read_path(url->encoded_path(), target) || !read_query(url->encoded_params(), target))
    return std::nullopt;
  return target;
}

}  // namespace fusewire::proxy::admin
