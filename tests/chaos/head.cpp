// SPDX-License-Identifier: Apache-2.0
#include "tests/chaos/head.hpp"

#include <algorithm>
#include <charconv>

namespace chaos {
namespace {

bool same(char c, char wanted) { return (c >= 'A' && c <= 'Z' ? c + 32 : c) == wanted; }

}  // namespace

std::optional<std::string_view> field(std::string_view head, std::string_view name) {
  for (auto end = head.find("\r\n"); end != std::string_view::npos; end = head.find("\r\n", end + 2)) {
    const std::string_view rest = head.substr(end + 2);
    if (rest.size() <= name.size() || rest[name.size()] != ':') continue;
    if (!std::equal(name.begin(), name.end(), rest.begin(), [](char wanted, char c) { return same(c, wanted); }))
      continue;
    const std::string_view value = rest.substr(name.size() + 1, rest.find("\r\n") - name.size() - 1);
    return value.substr(std::min(value.size(), value.find_first_not_of(' ')));
  }
  return std::nullopt;
}

std::uint64_t number_field(std::string_view head, std::string_view name, std::uint64_t otherwise) {
  const auto value = field(head, name);
  std::uint64_t number = otherwise;
  if (value) std::from_chars(value->data(), value->data() + value->size(), number);
  return number;
}

}  // namespace chaos
