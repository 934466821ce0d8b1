// SPDX-License-Identifier: Apache-2.0
#include "proxy/cli/report.hpp"

#include <doctest/doctest.h>

#include <boost/json.hpp>

#include "proxy/cli/event_reader.hpp"

using namespace fusewire::cli;
namespace json = boost::json;

TEST_CASE("durations are short and readable") {
  CHECK(duration_text(0) == "0ms");
  CHECK(duration_text(999) == "999ms");
  CHECK(duration_text(1000) == "1s");
  CHECK(duration_text(1550) == "1.5s");
  CHECK(duration_text(90'000) == "1m30s");
  CHECK(duration_text(600'000) == "10m");
  CHECK(duration_text(3'660'000) == "1h1m");
  CHECK(duration_text(49 * 3'600'000) == "2d1h");
}

TEST_CASE("breakers are rows under a head line, aligned") {
  const json::value answer = json::parse(R"({"circuit_breakers":[
    {"name":"a-long-name","state":"closed","override":"none","mode":"enforce","time_in_state_ms":90000,
     "retry_after_ms":0,"window":{"calls":12,"failure_rate":0.25,"slow_call_rate":0},
     "totals":{"rejected":0,"trips":0},"last_trip":null},
    {"name":"b","state":"open","override":"none","mode":"enforce","time_in_state_ms":1500,
     "retry_after_ms":28500,"window":{"calls":5,"failure_rate":1,"slow_call_rate":0},
     "totals":{"rejected":7,"trips":1},
     "last_trip":{"reason":"consecutive_failures","value":5,"threshold":5}},
    {"name":"c","state":"closed","override":"forced_open","mode":"shadow","time_in_state_ms":1,
     "window":{"calls":0,"failure_rate":0,"slow_call_rate":0.5},"totals":{"rejected":0,"trips":0},"last_trip":null}]})");
  CHECK(breaker_table(answer) ==
        "NAME         STATE                 SINCE  RETRY IN  CALLS  FAILED  SLOW  REJECTED  TRIPS  LAST TRIP\n"
        "a-long-name  closed                1m30s  -         12     25%     0%    0         0      -\n"
        "b            open                  1.5s   28.5s     5      100%    0%    7         1      "
        "consecutive_failures (5 of 5)\n"
        "c            forced_open (shadow)  1ms    never     0      0%      50%   0         0      -\n");
}

TEST_CASE("an event is a line") {
  const auto line = [](const char* text) { return event_line(json::parse(text)); };
  CHECK(line(R"({"at":"T","breaker":"orders","event":"transition","from":"closed","to":"open",
                 "reason":"failure_rate","value":0.625,"threshold":0.5,"open_for_ms":30000})") ==
        "T  orders  closed -> open: failure_rate (0.625 of 0.5), for 30s\n");
  CHECK(line(R"({"at":"T","breaker":"o","event":"transition","from":"open","to":"half_open"})") ==
        "T  o  open -> half_open\n");
  CHECK(line(R"({"at":"T","breaker":"o","event":"override_set","override":"forced_open","for_ms":600000})") ==
        "T  o  forced_open for 10m\n");
  CHECK(line(R"({"at":"T","breaker":"o","event":"override_ended"})") == "T  o  released\n");
  CHECK(line(R"({"at":"T","breaker":"o","event":"override_ended","cause":"expired"})") ==
        "T  o  the override's time is over\n");
  CHECK(line(R"({"at":"T","breaker":"o","event":"reset"})") == "T  o  reset\n");
}

TEST_CASE("a stream of events is taken apart however it was cut") {
  const std::string stream = ": hello\n\nid: 1\nevent: transition\ndata: {\"a\":1}\n\nid: 2\ndata: two\n\n";
  for (std::size_t size = 1; size <= stream.size(); ++size) {
    std::string got;
    EventReader reader([&got](std::string_view data) { got += std::string(data) + "|"; });
    for (std::size_t at = 0; at < stream.size(); at += size) reader.read(std::string_view(stream).substr(at, size));
    CHECK(got == "{\"a\":1}|two|");
  }
}
