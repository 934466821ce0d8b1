// SPDX-License-Identifier: Apache-2.0
// Builds one log line by hand, in either format, at the end of a buffer:
//   json  {"time":"…","level":"info","message":"…","key":value,…}
//   text  2026-01-31T08:15:30.042Z info  message key=value …
#pragma once

#include <chrono>
#include <cstdint>
#include <string>
#include <string_view>

#include "config/config.hpp"

namespace fusewire::proxy {

class Line {
 public:
  // `out` must outlive the line; finish() ends it.
  Line(std::string& out, config::LogFormat, std::chrono::system_clock::time_point, std::string_view level,
       std::string_view message);
  Line(const Line&) = delete;
  Line& operator=(const Line&) = delete;

  Line& text(std::string_view key, std::string_view value);
  Line& number(std::string_view key, std::int64_t);
  Line& count(std::string_view key, std::uint64_t);
  Line& real(std::string_view key, double);  // JSON has no infinity: null
  Line& boolean(std::string_view key, bool);
  Line& milliseconds(std::string_view key, std::chrono::nanoseconds);  // three decimals
  // A ready-made value: JSON in the one format, printed as it is in the other.
  Line& raw(std::string_view key, std::string_view value);
  void finish();

 private:
  void key(std::string_view);

  std::string& out_;
  const bool json_;
};

}  // namespace fusewire::proxy
