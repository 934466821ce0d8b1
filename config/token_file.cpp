// SPDX-License-Identifier: Apache-2.0
#include "config/token_file.hpp"

#include <algorithm>

#include "config/section_parts.hpp"

namespace fusewire::config {
namespace {

constexpr std::size_t kLargestTokenFile = 64 * kKiB;

std::string without_line_end(std::string text) {
  text.erase(text.find_last_not_of("\r\n") + 1);
  return text;
}

}  // namespace

bool is_bearer_token(std::string_view text) {
  return std::all_of(text.begin(), text.end(), [](char c) { return c > 0x20 && c < 0x7f; });
}

std::optional<std::string> token_in(const Node& file, Report& report) {
  const std::optional<std::string> content = read_file(file, kLargestTokenFile, report);
  if (!content) return std::nullopt;
  std::string token = without_line_end(*content);
  if (token.empty()) report.error(file, "the file holds no token");
  return token;
}

std::optional<std::string> read_token_file(const std::string& path) {
  Report report{std::string()};
  Node file;
  file.text = path;
  const std::optional<std::string> token = token_in(file, report);
  return !report.failed() && is_bearer_token(*token) ? token : std::nullopt;
}

}  // namespace fusewire::config
