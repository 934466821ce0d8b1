// SPDX-License-Identifier: Apache-2.0
// Builds one log line by hand, in either format, at the end of a buffer:
//   json  {"time":"…","level":"info","message":"…","key":value,…}
//   text  2026-01-31T08:15:30.042Z info  message key=value …
#pragma once

#include <array>
#include <chrono>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>

#include "config/config.hpp"

namespace fusewire::proxy {

// An access line has some twenty pieces: they are put together in a room of its own, and appended at once.
class Line {
 public:
  // `out` must outlive the line; finish() ends it. Nothing is in `out` for certain before.
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
  // ["a","b"] in JSON, a,b in text. Words have nothing to escape.
  Line& words(std::string_view key, std::span<const std::string_view>);
  void finish();

 private:
  void key(std::string_view);
  void put(std::string_view);
  template <std::size_t Before, std::size_t After>
  void put(const char (&before)[Before], std::string_view, const char (&after)[After]);
  void put_string(std::string_view);  // with quotes, escaped
  template <class Number>
  void put_number(Number);
  // False: there never are so many free, even behind a spill().
  bool has_room(std::size_t);
  void spill();

  std::string& out_;
  const bool json_;
  std::size_t used_ = 0;
  std::array<char, 1024> room_;
};

}  // namespace fusewire::proxy
