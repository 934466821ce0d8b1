// SPDX-License-Identifier: Apache-2.0
#include "proxy/admin/target.hpp"

namespace fusewire::proxy::admin {
namespace {

std::optional<unsigned> hex_digit(char c) {
  if (c >= '0' && c <= '9') return static_cast<unsigned>(c - '0');
  if (c >= 'a' && c <= 'f') return static_cast<unsigned>(c - 'a' + 10);
  if (c >= 'A' && c <= 'F') return static_cast<unsigned>(c - 'A' + 10);
  return std::nullopt;
}

// What comes before `separator`; `rest` keeps what comes after it.
std::string_view cut(std::string_view& rest, char separator) {
  const std::size_t end = rest.find(separator);
  const std::string_view first = rest.substr(0, end);
  rest = end == std::string_view::npos ? std::string_view{} : rest.substr(end + 1);
  return first;
}

bool parse_query(std::string_view text, Target& target) {
  while (!text.empty()) {
    std::string_view pair = cut(text, '&');
    auto name = percent_decode(cut(pair, '='));
    auto value = percent_decode(pair);
    if (!name || !value || name->empty()) return false;
    target.query.emplace_back(std::move(*name), std::move(*value));
  }
  return true;
}

bool parse_path(std::string_view text, Target& target) {
  if (!text.starts_with('/')) return false;
  text.remove_prefix(1);
  while (true) {
    const bool last = text.find('/') == std::string_view::npos;
    auto segment = percent_decode(cut(text, '/'));
    if (!segment) return false;
    target.segments.push_back(std::move(*segment));
    if (last) return true;
  }
}

}  // namespace

std::optional<std::string> percent_decode(std::string_view text) {
  std::string out;
  for (std::size_t i = 0; i < text.size(); ++i) {
    char c = text[i];
    if (c == '%') {
      if (text.size() - i < 3) return std::nullopt;
      const auto high = hex_digit(text[i + 1]);
      const auto low = hex_digit(text[i + 2]);
      if (!high || !low) return std::nullopt;
      c = static_cast<char>(*high << 4 | *low);
      i += 2;
    }
    if (static_cast<unsigned char>(c) < 0x20 || c == 0x7F) return std::nullopt;
    out += c;
  }
  return out;
}

std::optional<Target> parse_target(std::string_view text) {
  Target target;
  for (const std::string_view scheme : {"http://", "https://"}) {
    if (!text.starts_with(scheme)) continue;
    text.remove_prefix(scheme.size());
    const std::size_t path = std::min(text.find_first_of("/?"), text.size());
    target.authority = text.substr(0, path);
    text.remove_prefix(path);
    if (target.authority.empty()) return std::nullopt;
    if (text.empty()) text = "/";
    break;
  }
  std::string_view path = cut(text, '?');
  if (!parse_path(path, target) || !parse_query(text, target)) return std::nullopt;
  return target;
}

}  // namespace fusewire::proxy::admin
