// SPDX-License-Identifier: Apache-2.0
// What `status --watch` shows: the last answer, and rates out of those before it. Decides only: time is an argument.
#pragma once

#include <boost/json/value.hpp>
#include <chrono>
#include <cstdint>
#include <deque>
#include <map>
#include <string>

#include "proxy/cli/paint.hpp"

namespace fusewire::cli {

struct Screen {
  std::size_t columns = 80;
  std::size_t lines = 24;
  bool unicode = true;
};

// Bars of one character each, the highest of the values being a full one; `width`: of the last values so many.
std::string sparkline(const std::deque<double>& values, std::size_t width, bool unicode);

class WatchFrame {
 public:
  using Time = std::chrono::steady_clock::time_point;
  explicit WatchFrame(std::string url) : url_(std::move(url)) {}

  void take(boost::json::value answer, Time now, std::string notice = {});  // of /admin/circuit-breakers
  void fail(std::string why) { failure_ = std::move(why); }
  // Lines of at most `columns` characters, `lines` of them at most, each ended by '\n'. `clock`: the time of day.
  std::string text(const Screen&, Paint, const std::string& clock) const;

 private:
  struct Series {
    std::uint64_t calls = 0;  // the totals at the last answer
    std::uint64_t bad = 0;
    std::deque<double> rates;      // a second, the last kKept
    std::deque<double> bad_rates;  // failed or rejected
    Time at{};
  };
  static constexpr std::size_t kKept = 60;
  static void add(std::deque<double>& to, double value);

  std::string url_;
  std::string failure_;  // empty: the last answer is a good one
  boost::json::value answer_;
  std::string notice_;
  std::map<std::string, Series> series_;  // by breaker
};

}  // namespace fusewire::cli
