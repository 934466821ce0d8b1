// SPDX-License-Identifier: Apache-2.0
// What a reload did, for the operator (docs/configuration.md, "Reloading").
#pragma once

#include <chrono>
#include <string>
#include <vector>

#include "config/config.hpp"

namespace fusewire::proxy {

struct ReloadReport {
  bool successful = true;
  std::string trigger;  // start, signal, admin, file
  std::chrono::system_clock::time_point at{};
  std::vector<std::string> errors;  // Diagnostic::to_string()
  std::vector<std::string> warnings;
  std::vector<std::string> kept, changed, added, removed;  // "upstream orders", "listener main"
  std::vector<std::string> emptied;                        // "orders: window"
};

// Of a reload that begins now.
ReloadReport begin_report(const std::string& trigger, std::vector<std::string> warnings);

// What happens to listeners and upstreams, by name, from one configuration to the next.
void compare_named(const config::Config& before, const config::Config& after, ReloadReport&);
// The sections that are not lists, by their key.
void compare_sections(const config::Config& before, const config::Config& after, ReloadReport&);

}  // namespace fusewire::proxy
