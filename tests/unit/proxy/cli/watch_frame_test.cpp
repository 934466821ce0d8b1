// SPDX-License-Identifier: Apache-2.0
#include "proxy/cli/watch_frame.hpp"

#include <doctest/doctest.h>

#include <boost/json.hpp>
#include <sstream>
#include <vector>

using namespace fusewire::cli;
using namespace std::chrono_literals;
namespace json = boost::json;

namespace {

json::value breaker(const std::string& name, const std::string& state, std::uint64_t successes,
                    std::uint64_t failures) {
  return {{"name", name},
          {"state", state},
          {"override", "none"},
          {"mode", "enforce"},
          {"time_in_state_ms", 1500},
          {"retry_after_ms", state == "open" ? 28500 : 0},
          {"window", {{"calls", 5}, {"failure_rate", 0.25}, {"slow_call_rate", 0}}},
          {"half_open", {{"successes", 1}}},
          {"thresholds", {{"success_threshold", 3}}},
          {"totals",
           {{"successes", successes}, {"failures", failures}, {"neutral", 0}, {"rejected", 0}, {"would_reject", 0}}},
          {"last_trip", nullptr}};
}
json::value answer(std::initializer_list<json::value> breakers) {
  return json::object{{"circuit_breakers", json::array(breakers.begin(), breakers.end())}};
}

std::vector<std::string> lines_of(const std::string& text) {
  std::vector<std::string> lines;
  std::istringstream in(text);
  for (std::string line; std::getline(in, line);) lines.push_back(line);
  return lines;
}

constexpr WatchFrame::Time kStart{1000s};
constexpr Screen kWide{.columns = 150, .lines = 24, .unicode = true};

}  // namespace

TEST_CASE("watch: bars are relative to the highest of them, and what is not there is blank") {
  CHECK(sparkline({0, 1, 4, 8}, 6, true) == "   ▁▄█");
  CHECK(sparkline({1, 2, 3}, 2, true) == "▆█");
  CHECK(sparkline({8, 4}, 2, false) == "#=");
  CHECK(sparkline({}, 3, true) == "   ");
  CHECK(sparkline({0, 0}, 2, true) == "  ");
}

TEST_CASE("watch: a notice stands above the breakers while the last answer has one") {
  WatchFrame frame("http://a");
  frame.take(answer({breaker("orders", "closed", 1, 0)}), kStart, "faults are injected into orders");
  CHECK(lines_of(frame.text(kWide, Paint(), "12:00:00")).at(1) == "faults are injected into orders");
  frame.take(answer({breaker("orders", "closed", 1, 0)}), kStart + 1s);
  CHECK(lines_of(frame.text(kWide, Paint(), "12:00:00")).at(1).empty());
}

TEST_CASE("watch: rates are differences of totals over the time between two answers") {
  WatchFrame frame("http://a");
  frame.take(answer({breaker("orders", "closed", 100, 0)}), kStart);
  CHECK(lines_of(frame.text(kWide, Paint(), "12:00:00")).at(3).find("-  ") != std::string::npos);
  frame.take(answer({breaker("orders", "closed", 130, 10)}), kStart + 2s);
  const std::string row = lines_of(frame.text(kWide, Paint(), "12:00:00")).at(3);
  CHECK(row.find("20/s") != std::string::npos);
  CHECK(row.find("5.0/s") != std::string::npos);
  frame.take(answer({breaker("orders", "closed", 3, 0)}), kStart + 3s);  // another process
  CHECK(lines_of(frame.text(kWide, Paint(), "12:00:00")).at(3).find("20/s") != std::string::npos);
}

TEST_CASE("watch: what rejects comes first, then trials, and what has no room is counted") {
  WatchFrame frame("http://a");
  frame.take(answer({breaker("a", "closed", 0, 0), breaker("b", "half_open", 0, 0), breaker("c", "open", 0, 0),
                     breaker("d", "closed", 0, 0)}),
             kStart);
  const auto all = lines_of(frame.text(kWide, Paint(), "12:00:00"));
  REQUIRE(all.size() == 7);
  CHECK(all[0].find("1 reject, 1 on trial or overridden, 2 closed") != std::string::npos);
  CHECK(all[3].starts_with("c"));
  CHECK(all[4].starts_with("b"));
  CHECK(all[5].starts_with("a"));
  const auto few = lines_of(frame.text({.columns = 80, .lines = 6, .unicode = true}, Paint(), ""));
  REQUIRE(few.size() == 6);
  CHECK(few[3].starts_with("c"));
  CHECK(few[5] == "… and 2 more");
}

TEST_CASE("watch: no line is wider than the terminal") {
  WatchFrame frame("http://a-long-name.example:9901");
  frame.take(answer({breaker(std::string(100, 'x'), "open", 5, 5), breaker("b", "closed", 1, 1)}), kStart);
  frame.take(answer({breaker(std::string(100, 'x'), "open", 50, 9), breaker("b", "closed", 9, 1)}), kStart + 1s);
  for (const std::size_t columns : {1U, 20U, 40U, 80U, 200U})
    for (const std::string& line :
         lines_of(frame.text({.columns = columns, .lines = 24, .unicode = true}, Paint(), "12:00:00"))) {
      const auto width = std::count_if(line.begin(), line.end(), [](char c) { return (c & '\xc0') != '\x80'; });
      CHECK(static_cast<std::size_t>(width) <= columns);
    }
}

TEST_CASE("watch: an admin that goes away is said, over what was last known") {
  WatchFrame frame("http://a");
  frame.take(answer({breaker("orders", "open", 0, 0)}), kStart);
  frame.fail("the admin does not answer");
  auto shown = lines_of(frame.text(kWide, Paint(), ""));
  CHECK(shown.at(1) == "the admin does not answer; trying again");
  CHECK(shown.at(3).starts_with("orders"));
  frame.take(answer({breaker("orders", "open", 0, 0)}), kStart + 1s);
  shown = lines_of(frame.text(kWide, Paint(), ""));
  CHECK(shown.at(1).empty());
}
