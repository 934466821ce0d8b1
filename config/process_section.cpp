// SPDX-License-Identifier: Apache-2.0
#include "config/describe/process.hpp"
#include "config/describe/read.hpp"
#include "config/finish.hpp"
#include "config/messages.hpp"
#include "config/report.hpp"
#include "config/scalars.hpp"
#include "config/sections.hpp"
#include "config/token_file.hpp"

namespace fusewire::config {

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

void read_process(const Node& root, Config& config, Report& report) {
  const Reader reader(&root, report);
  read_section(reader, config);
  config.webhooks = read_webhooks(reader.below("events"));
}

}  // namespace fusewire::config
