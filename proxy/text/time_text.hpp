// SPDX-License-Identifier: Apache-2.0
// Times as logs and the admin API show them: RFC 3339, UTC, milliseconds ("2026-01-31T08:15:30.042Z").
#pragma once

#include <array>
#include <chrono>
#include <cstddef>
#include <string>

namespace fusewire::proxy {

inline constexpr std::size_t kTimeSize = 24;

using TimeChars = std::array<char, kTimeSize>;

TimeChars time_chars(std::chrono::system_clock::time_point);

// For times that mostly lie in the same second as the one before. One thread.
class TimeText {
 public:
  const TimeChars& chars(std::chrono::system_clock::time_point);

 private:
  std::chrono::sys_seconds second_{};
  TimeChars chars_ = time_chars(second_);
};

void append_time(std::string& out, std::chrono::system_clock::time_point);

inline std::string time_text(std::chrono::system_clock::time_point at) {
  std::string out;
  append_time(out, at);
  return out;
}

}  // namespace fusewire::proxy
