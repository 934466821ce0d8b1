// SPDX-License-Identifier: Apache-2.0
#include "proxy/cli/report.hpp"

#include <doctest/doctest.h>

#include <boost/json.hpp>
#include <limits>

#include "proxy/cli/event_reader.hpp"
#include "proxy/cli/number_text.hpp"

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

namespace {

// One breaker as the admin shows it, with these members in place of its own.
json::object breaker_with(const char* members) {
  json::object breaker = json::parse(R"({"name":"b","state":"closed","override":"none","mode":"enforce",
    "time_in_state_ms":1500,"retry_after_ms":0,
    "window":{"calls":5,"failure_rate":1,"slow_call_rate":0,"consecutive_failures":5},
    "half_open":{"in_flight":0,"max_calls":3,"successes":0,"failures":0},
    "totals":{"successes":9,"failures":5,"neutral":0,"rejected":7,"would_reject":4,"trips":1},
    "thresholds":{"success_threshold":3},"last_trip":null,"last_transitions":[]})")
                             .as_object();
  const json::value given = json::parse(members);
  for (const auto& [key, value] : given.as_object()) breaker[key] = value;
  return breaker;
}

std::string table_of(std::initializer_list<json::object> breakers) {
  json::array list;
  for (const json::object& breaker : breakers) list.push_back(breaker);
  return breaker_table(json::object{{"circuit_breakers", list}});
}

}  // namespace

TEST_CASE("what an admin answers steers no terminal") {
  const json::object breaker = breaker_with(R"({"name":"b\u001b[31m\u009b\n","last_trip":
    {"reason":"\u202er","value":5,"threshold":5,"at":"x"},"last_transitions":[
    {"event":"\u0007","at":"\u001b","breaker":"\u001b"}]})");
  const std::string table = table_of({breaker});
  CHECK(table.find(R"(b\u001b[31m\u009b\u000a)") != std::string::npos);
  CHECK(table.find(R"(\u202er (5 of 5))") != std::string::npos);
  CHECK(breaker_details(breaker).find(R"(\u001b  \u001b  \u0007)") != std::string::npos);
}

TEST_CASE("injected faults are one line: what, into which upstream, for how long") {
  const json::value answer = json::parse(R"({"faults":[
    {"upstream":"orders","delay_ms":300,"delay_percent":50,"abort":503,"abort_percent":2.5,"remaining_ms":252000},
    {"upstream":"users","delay_ms":null,"delay_percent":null,"abort":"reset","abort_percent":100,"remaining_ms":900}]})");
  CHECK(faults_text(answer) ==
        "faults are injected into orders (300ms delay for 50 %, status 503 for 2.5 %; 4m12s left), "
        "users (reset for 100 %; 900ms left)");
  CHECK(faults_text(answer, "users") == "faults are injected into users (reset for 100 %; 900ms left)");
  CHECK(faults_text(answer, "user").empty());
  CHECK(faults_text(json::parse(R"({"faults":[]})")).empty());
}

TEST_CASE("breakers are rows under a head line, aligned") {
  CHECK(
      table_of({breaker_with(R"({"name":"a-long-name","time_in_state_ms":90000,
                     "window":{"calls":12,"failure_rate":0.25,"slow_call_rate":0}})"),
                breaker_with(R"({"state":"open","retry_after_ms":28500,
                     "last_trip":{"reason":"consecutive_failures","value":5,"threshold":5}})"),
                breaker_with(R"({"name":"c","override":"forced_open","mode":"shadow","time_in_override_ms":300})")}) ==
      "NAME         STATE                 SINCE  NEXT            CALLS  FAILED  SLOW  REJECTED   TRIPS  LAST TRIP\n"
      "a-long-name  closed                1m30s  -               12     25%     0%    7          1      -\n"
      "b            open                  1.5s   trial in 28.5s  5      100%    0%    7          1      "
      "consecutive_failures (5 of 5)\n"
      "c            forced_open (shadow)  300ms  until released  5      100%    0%    4 (would)  1      -\n");
}

TEST_CASE("what comes next is shown for every state") {
  const auto next = [](const char* members) {
    const std::string row = table_of({breaker_with(members)});
    const std::size_t column = row.find("NEXT");
    const std::size_t line = row.find('\n') + 1;
    const std::string rest = row.substr(line + column);
    return rest.substr(0, rest.find("  "));
  };
  CHECK(next(R"({})") == "-");
  CHECK(next(R"({"state":"open","retry_after_ms":1500})") == "trial in 1.5s");
  CHECK(next(R"({"state":"open","retry_after_ms":0})") == "trial at next request");
  CHECK(next(R"({"state":"half_open","half_open":{"in_flight":1,"max_calls":3,"successes":2,"failures":0}})") ==
        "2 of 3 trials succeeded");
  CHECK(next(R"({"override":"forced_closed"})") == "until released");
  CHECK(next(R"({"override":"forced_closed","override_remaining_ms":60000})") == "released in 1m");
  CHECK(next(R"({"override":"forced_open","override_remaining_ms":60000,"retry_after_ms":60000})") == "released in 1m");
}

TEST_CASE("a breaker rejects when it is open or forced open, in a mode that rejects") {
  const auto rejecting = [](const char* members) { return rejects(breaker_with(members)); };
  CHECK_FALSE(rejecting(R"({})"));
  CHECK(rejecting(R"({"state":"open","retry_after_ms":1})"));
  CHECK_FALSE(rejecting(R"({"state":"open","retry_after_ms":0})"));
  CHECK_FALSE(rejecting(R"({"state":"half_open"})"));
  CHECK(rejecting(R"({"override":"forced_open"})"));
  CHECK_FALSE(rejecting(R"({"state":"open","retry_after_ms":1,"override":"forced_closed"})"));
  for (const char* mode : {"shadow", "disabled"}) {
    json::object breaker = breaker_with(R"({"state":"open","retry_after_ms":1})");
    breaker["mode"] = mode;
    CHECK_FALSE(rejects(breaker));
    CHECK_FALSE(any_rejects(json::object{{"circuit_breakers", json::array{breaker}}}));
  }
  CHECK(any_rejects(json::object{
      {"circuit_breakers", json::array{breaker_with("{}"), breaker_with(R"({"override":"forced_open"})")}}}));
}

TEST_CASE("one breaker in detail") {
  CHECK(breaker_details(breaker_with(R"({"state":"open","mode":"shadow","retry_after_ms":0,
      "last_trip":{"reason":"failure_rate","value":0.625,"threshold":0.5,"at":"T"},
      "last_transitions":[{"at":"T","breaker":"b","event":"reset"}]})")) ==
        "b\n"
        "  state      open (shadow): nothing is rejected\n"
        "  since      1.5s ago\n"
        "  next       trial at next request\n"
        "  last trip  failure_rate (0.625 of 0.5), at T\n"
        "  window     5 calls, 100% failed, 0% slow; 5 failures in a row\n"
        "  half-open  0 of 3 slots in use, 0 of 3 successes, 0 failures\n"
        "  totals     9 successes, 5 failures, 0 neutral, 7 rejected, 4 would be rejected, 1 trips\n"
        "  T  b  reset\n");
  CHECK(breaker_details(breaker_with(R"({"override":"forced_open"})")).find("forced_open; beneath it closed\n") !=
        std::string::npos);
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
    for (std::size_t at = 0; at < stream.size(); at += size)
      CHECK(reader.read(std::string_view(stream).substr(at, size)));
    CHECK(got == "{\"a\":1}|two|");
  }
}

TEST_CASE("a line that does not end is no event, and is not kept for ever") {
  EventReader reader([](std::string_view) {});
  const std::string piece(4096, 'x');
  int read = 0;
  while (read < 1'000 && reader.read(piece)) ++read;
  CHECK(read == 256);
}

TEST_CASE("a number is written out, however large it is") {
  CHECK(fixed_text(0.5, 0) == "0");
  CHECK(fixed_text(12.3456, 3) == "12.346");
  CHECK(fixed_text(std::numeric_limits<double>::max(), 3).size() == 309 + 4);
  CHECK(fixed_text(std::numeric_limits<double>::lowest(), 9).size() == 1 + 309 + 10);
}
