// SPDX-License-Identifier: Apache-2.0
#include "filters/balance/hash_key.hpp"

#include <algorithm>
#include <optional>

#include "filters/balance/hash.hpp"

namespace fusewire::balance {
namespace {

// RFC 6265 §4.2.1: "a=1; b=2".
std::optional<std::string_view> cookie(const Fields& fields, std::string_view name) noexcept {
  for (const Field& field : fields) {
    if (!iequals(field.name, "cookie")) continue;
    std::string_view rest = field.value;
    while (!rest.empty()) {
      const std::string_view pair = rest.substr(0, rest.find(';'));
      rest.remove_prefix(std::min(pair.size() + 1, rest.size()));
      const std::size_t first = pair.find_first_not_of(' ');
      const std::size_t equals = pair.find('=');
      if (first == std::string_view::npos || equals == std::string_view::npos || equals < first) continue;
      if (pair.substr(first, equals - first) == name) return pair.substr(equals + 1);
    }
  }
  return std::nullopt;
}

}  // namespace

std::uint64_t hash_key(const config::HashKey& by, const Fields& fields, std::string_view client) noexcept {
  std::optional<std::string_view> value;
  if (by.by == config::HashKey::By::header) value = fields.find(by.name);
  if (by.by == config::HashKey::By::cookie) value = cookie(fields, by.name);
  return hash_of(value.value_or(client));
}

std::string_view forwarded_client(const Fields& fields, std::string_view peer) noexcept {
  std::string_view last;
  for (const Field& field : fields)
    if (iequals(field.name, "x-forwarded-for")) last = field.value;
  last.remove_prefix(last.rfind(',') + 1);  // npos + 1: nothing
  last.remove_prefix(std::min(last.find_first_not_of(" \t"), last.size()));
  last.remove_suffix(last.size() - (last.find_last_not_of(" \t") + 1));
  return last.empty() ? peer : last;
}

}  // namespace fusewire::balance
