// SPDX-License-Identifier: Apache-2.0
#include "proxy/admin/metrics/exposition.hpp"

#include <algorithm>
#include <optional>

#include "filters/message.hpp"

namespace fusewire::proxy {
namespace {

// One of the ranges of Accept.
struct MediaRange {
  std::string_view type;
  std::string_view subtype;
  std::optional<std::string> version;
  int weight = 1000;  // in thousandths

  // How closely it names that media type; 0: it does not cover it.
  int match(const MediaRange& offered) const {
    if (type == "*") return subtype == "*" ? 1 : 0;
    if (!iequals(type, offered.type)) return 0;
    if (subtype == "*") return 2;
    if (!iequals(subtype, offered.subtype)) return 0;
    if (!version) return 3;
    return version == offered.version ? 4 : 0;
  }
};

std::string_view trimmed(std::string_view text) {
  const std::size_t begin = text.find_first_not_of(" \t");
  if (begin == std::string_view::npos) return {};
  return text.substr(begin, text.find_last_not_of(" \t") + 1 - begin);
}

// Takes what stands before the next `separator` that is not in a quoted string.
std::string_view take_part(std::string_view& rest, char separator) {
  bool quoted = false;
  std::size_t at = 0;
  for (; at < rest.size() && (quoted || rest[at] != separator); ++at) {
    if (rest[at] == '"') quoted = !quoted;
    if (quoted && rest[at] == '\\') ++at;
  }
  at = std::min(at, rest.size());
  const std::string_view part = rest.substr(0, at);
  rest.remove_prefix(std::min(at + 1, rest.size()));
  return trimmed(part);
}

std::string unquoted(std::string_view value) {
  if (value.size() < 2 || value.front() != '"' || value.back() != '"') return std::string(value);
  std::string text;
  for (std::size_t i = 1; i + 1 < value.size(); ++i) {
    if (value[i] == '\\' && i + 2 < value.size()) ++i;
    text += value[i];
  }
  return text;
}

// RFC 9110 §12.4.2: 0 to 1 with up to three decimals.
std::optional<int> parse_weight(std::string_view text) {
  if (text.empty() || text.size() > 5 || (text[0] != '0' && text[0] != '1')) return std::nullopt;
  if (text.size() > 1 && text[1] != '.') return std::nullopt;
  int weight = text[0] == '1' ? 1000 : 0;
  int place = 100;
  for (const char digit : text.substr(std::min<std::size_t>(2, text.size()))) {
    if (digit < '0' || digit > '9') return std::nullopt;
    weight += (digit - '0') * place;
    place /= 10;
  }
  return weight <= 1000 ? std::optional(weight) : std::nullopt;
}

// Nothing where it is malformed: then it says nothing about anything.
std::optional<MediaRange> parse_range(std::string_view text) {
  const std::string_view name = take_part(text, ';');
  const std::size_t slash = name.find('/');
  if (slash == std::string_view::npos || slash == 0 || slash + 1 == name.size()) return std::nullopt;
  MediaRange range{.type = name.substr(0, slash), .subtype = name.substr(slash + 1), .version = {}};
  while (!text.empty()) {
    const std::string_view parameter = take_part(text, ';');
    if (parameter.empty()) continue;
    const std::size_t equals = parameter.find('=');
    if (equals == std::string_view::npos) return std::nullopt;
    const std::string_view key = parameter.substr(0, equals);
    const std::string_view value = parameter.substr(equals + 1);
    if (iequals(key, "version")) range.version = unquoted(value);
    if (!iequals(key, "q")) continue;
    const auto weight = parse_weight(value);
    if (!weight) return std::nullopt;
    range.weight = *weight;
  }
  return range;
}

// What a client thinks of a media type: the range that names it most closely decides.
struct Opinion {
  int weight = 0;
  int match = 0;

  bool is_above(const Opinion& other) const {
    return weight != other.weight ? weight > other.weight : weight > 0 && match > 2 && other.match <= 2;
  }
};

Opinion opinion_of(const std::vector<std::string>& accept, const MediaRange& offered) {
  Opinion opinion;
  for (std::string_view list : accept)
    while (!list.empty()) {
      const auto range = parse_range(take_part(list, ','));
      const int match = range ? range->match(offered) : 0;
      if (match > opinion.match) opinion = {range->weight, match};
    }
  return opinion;
}

constexpr Exposition kText{MetricsForm::prometheus, "text/plain; version=0.0.4; charset=utf-8"};
constexpr Exposition kOpenMetrics{MetricsForm::open_metrics,
                                  "application/openmetrics-text; version=1.0.0; charset=utf-8"};
constexpr Exposition kOldOpenMetrics{MetricsForm::open_metrics,
                                     "application/openmetrics-text; version=0.0.1; charset=utf-8"};

}  // namespace

Exposition preferred_exposition(const std::vector<std::string>& accept) {
  const Opinion text = opinion_of(accept, {.type = "text", .subtype = "plain", .version = "0.0.4"});
  const auto of_version = [&](const char* version) {
    return opinion_of(accept, {.type = "application", .subtype = "openmetrics-text", .version = version});
  };
  const Opinion current = of_version("1.0.0");
  const Opinion old = of_version("0.0.1");
  if (old.weight > current.weight) return old.is_above(text) ? kOldOpenMetrics : kText;
  return current.is_above(text) ? kOpenMetrics : kText;
}

}  // namespace fusewire::proxy
