// SPDX-License-Identifier: Apache-2.0
#include "proxy/control/reload_report.hpp"

#include <algorithm>
#include <utility>

namespace fusewire::proxy {

namespace {

template <class List>
void compare(const char* kind, const List& before, const List& after, ReloadReport& report) {
  const auto label = [kind](const auto& item) { return std::string(kind) + " " + item.name; };
  const auto find = [](const List& list, const std::string& name) {
    return std::find_if(list.begin(), list.end(), [&](const auto& item) { return item.name == name; });
  };
  for (const auto& item : after) {
    const auto old = find(before, item.name);
    (old == before.end() ? report.added : *old == item ? report.kept : report.changed).push_back(label(item));
  }
  for (const auto& item : before)
    if (find(after, item.name) == after.end()) report.removed.push_back(label(item));
}

}  // namespace

ReloadReport begin_report(const std::string& trigger, std::vector<std::string> warnings) {
  ReloadReport report;
  report.trigger = trigger;
  report.at = std::chrono::system_clock::now();
  report.warnings = std::move(warnings);
  return report;
}

void compare_named(const config::Config& before, const config::Config& after, ReloadReport& report) {
  compare("listener", before.listeners, after.listeners, report);
  compare("upstream", before.upstreams, after.upstreams, report);
}

void compare_sections(const config::Config& before, const config::Config& after, ReloadReport& report) {
  const auto note = [&report](const char* key, bool same) { (same ? report.kept : report.changed).emplace_back(key); };
  note("cache_memory", before.cache_memory == after.cache_memory);
  note("via", before.via == after.via);
  note("admin", before.admin == after.admin);
  note("events", before.event_history == after.event_history && before.webhooks == after.webhooks);
  note("tracing", before.tracing == after.tracing);
  note("log", before.log == after.log);
  note("shutdown", before.shutdown == after.shutdown);
  note("runtime", before.workers == after.workers);
}

}  // namespace fusewire::proxy
