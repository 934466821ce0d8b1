// SPDX-License-Identifier: Apache-2.0
#include <algorithm>

#include "config/addresses.hpp"
#include "config/scalars.hpp"
#include "config/sections.hpp"

namespace fusewire::config {
namespace {

constexpr std::size_t kLargestTokenFile = 64 * kKiB;
constexpr std::uint64_t kMaxEvents = 1'000'000;
constexpr std::uint64_t kMaxWorkers = 1024;

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

// No message repeats a token.
void read_token(const Reader& reader, Admin& admin) {
  std::string& token = admin.token;
  reader.text("token", token);
  const Node* at = reader.find("token");
  if (const Node* file = reader.find("token_file")) {
    if (reader.has("token")) return reader.error(*file, "token and token_file exclude each other");
    at = file;
    admin.token_file = file->text;
    const std::optional<std::string> content = token_in(*file, reader.report());
    if (!content) return;
    token = *content;
  }
  if (!is_bearer_token(token)) reader.error(*at, "a token is made of visible ASCII characters without spaces");
}

void read_admin(const Reader& reader, Admin& admin) {
  if (const Node* address = reader.find("address")) read_address(*address, admin.address, reader.report());
  read_token(reader, admin);
  reader.flag("read_requires_token", admin.read_requires_token);
  for (const Node& item : reader.items("allowed_hosts")) {
    if (item.kind == Node::Kind::invalid) continue;
    admin.allowed_hosts.push_back(to_lower(item.text));
    if (!is_host(item.text)) reader.error(item, expected("a host without port", item));
  }
  const Node* probes = reader.find("probes");
  if (probes == nullptr || probes->is_off()) return;
  read_address(*probes, admin.probes.emplace(), reader.report());
}

void read_log(const Reader& reader, Log& log) {
  reader.word("level", log.level, kLogLevels);
  reader.word("format", log.format, kLogFormats);
  reader.flag("access", log.access);
  reader.number("access_sample", log.access_sample, {});
}

// Readiness ends with SIGTERM, and the time for what is left begins when the listeners close.
void read_shutdown(const Reader& reader, Shutdown& shutdown) {
  reader.duration("drain_timeout", shutdown.drain_timeout, {.low = 0ms});
  reader.duration("grace", shutdown.grace, {.low = 0ms});
  if (shutdown.grace == 0ms || shutdown.grace < shutdown.drain_timeout) return;
  const Node* grace = reader.find("grace");
  const Node* drain = reader.find("drain_timeout");
  const std::string limit = shown(drain, format_duration(shutdown.drain_timeout));
  if (grace != nullptr) reader.error(*grace, "expected a duration shorter than drain_timeout, which is " + limit);
}

void read_workers(const Reader& reader, unsigned& workers) {
  const Node* node = reader.find("workers");
  if (node == nullptr || node->text == "auto") return;
  const auto count = node->quoted ? std::nullopt : parse_count(node->text);
  if (count && *count >= 1 && *count <= kMaxWorkers)
    workers = static_cast<unsigned>(*count);
  else
    reader.error(*node, expected("auto, or a whole number from 1 to 1024", *node));
}

}  // namespace

std::optional<std::string> read_token_file(const std::string& path) {
  Report report{std::string()};
  Node file;
  file.text = path;
  const std::optional<std::string> token = token_in(file, report);
  return !report.failed() && is_bearer_token(*token) ? token : std::nullopt;
}

void read_process(const Node& root, Config& config, Report& report) {
  const Reader reader(&root, report);
  unsigned version = 1;
  reader.count("version", version, 1, 1);
  reader.size("cache_memory", config.cache_memory, 0, 1024 * 1024 * kMiB);
  reader.text("via", config.via);
  if (const Node* via = reader.find("via"); via != nullptr && !is_token(via->text))
    report.error(*via, expected("a pseudonym of letters, digits and '-', '.', '_'", *via));
  read_admin(reader.below("admin"), config.admin);
  reader.below("events").count("history", config.event_history, 0, kMaxEvents);
  read_log(reader.below("log"), config.log);
  read_shutdown(reader.below("shutdown"), config.shutdown);
  read_workers(reader.below("runtime"), config.workers);
}

}  // namespace fusewire::config
