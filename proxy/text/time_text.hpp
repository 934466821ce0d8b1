// SPDX-License-Identifier: Apache-2.0
// Times as logs and the admin API show them: RFC 3339, UTC, milliseconds ("2026-01-31T08:15:30.042Z").
#pragma once

#include <chrono>
#include <string>

namespace fusewire::proxy {

void append_time(std::string& out, std::chrono::system_clock::time_point);

inline std::string time_text(std::chrono::system_clock::time_point at) {
  std::string out;
  append_time(out, at);
  return out;
}

}  // namespace fusewire::proxy
