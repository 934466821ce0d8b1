// SPDX-License-Identifier: Apache-2.0
#include <algorithm>

#include "config/describe/process.hpp"
#include "config/describe/read.hpp"
#include "config/sections.hpp"

namespace fusewire::config {
namespace {

constexpr std::size_t kLargestTokenFile = 64 * kKiB;

// What can stand behind `Bearer `.
bool is_bearer_token(std::string_view text) {
  return std::all_of(text.begin(), text.end(), [](char c) { return c > 0x20 && c < 0x7f; });
}

std::string trimmed(std::string text) {
  text.erase(text.find_last_not_of("\r\n") + 1);
  return text;
}

std::optional<std::string> token_in(const Node& file, Report& report) {
  const std::optional<std::string> content = read_file(file, kLargestTokenFile, report);
  if (!content) return std::nullopt;
  std::string token = trimmed(*content);
  if (token.empty()) report.error(file, "the file holds no token");
  return token;
}

}  // namespace

// No message repeats a token.
void finish(const Reader& reader, Admin& admin) {
  const Node* at = reader.find("token");
  if (const Node* file = reader.find("token_file")) {
    if (reader.has("token")) return reader.error(*file, "token and token_file exclude each other");
    at = file;
    const std::optional<std::string> content = token_in(*file, reader.report());
    if (!content) return;
    admin.token = *content;
  }
  if (!is_bearer_token(admin.token)) reader.error(*at, "a token is made of visible ASCII characters without spaces");
}

// Readiness ends with SIGTERM, and the time for what is left begins when the listeners close.
void finish(const Reader& reader, Shutdown& shutdown) {
  if (shutdown.grace == 0ms || shutdown.grace < shutdown.drain_timeout) return;
  const Node* grace = reader.find("grace");
  const Node* drain = reader.find("drain_timeout");
  const std::string limit = shown(drain, format_duration(shutdown.drain_timeout));
  if (grace != nullptr) reader.error(*grace, "expected a duration shorter than drain_timeout, which is " + limit);
}

std::optional<std::string> read_token_file(const std::string& path) {
  Report report{std::string()};
  Node file;
  file.text = path;
  const std::optional<std::string> token = token_in(file, report);
  return !report.failed() && is_bearer_token(*token) ? token : std::nullopt;
}

void read_process(const Node& root, Config& config, Report& report) { read_section(Reader(&root, report), config); }

}  // namespace fusewire::config
