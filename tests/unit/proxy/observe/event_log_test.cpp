// SPDX-License-Identifier: Apache-2.0
#include "proxy/observe/event_log.hpp"

#include <doctest/doctest.h>
#include <unistd.h>

#include <boost/json.hpp>
#include <cstdio>

#include "proxy/observe/log.hpp"

using namespace fusewire;
using namespace fusewire::proxy;
using namespace std::chrono_literals;
using Kind = breaker::Event::Kind;

namespace {

breaker::Event transition(breaker::State from, breaker::State to) {
  breaker::Event event;
  event.kind = Kind::transition;
  event.from = from;
  event.to = to;
  return event;
}

breaker::Event tripped() {
  breaker::Event event = transition(breaker::State::closed, breaker::State::open);
  event.trip = breaker::Trip{.reason = breaker::Reason::failure_rate,
                             .value = 0.625,
                             .threshold = 0.5,
                             .window = {.ended = 16, .failures = 10, .judged = 16, .slow = 1},
                             .consecutive_failures = 2,
                             .consecutive_slow_calls = 1,
                             .open_for = 30s,
                             .at = {}};
  return event;
}

breaker::Event of(Kind kind) {
  breaker::Event event;
  event.kind = kind;
  return event;
}

struct Quiet {
  Quiet() { log::configure({.level = config::LogLevel::off}); }
  ~Quiet() { log::configure({}); }
};

}  // namespace

TEST_CASE("events are numbered from 1 and the oldest go first") {
  const Quiet quiet;
  EventLog events(3);
  CHECK(events.last_id() == 0);
  for (int i = 0; i < 5; ++i) events.record("a", tripped());
  const auto kept = events.since(0);
  REQUIRE(kept.size() == 3);
  CHECK(kept.front().id == 3);
  CHECK(kept.back().id == 5);
  CHECK(events.last_id() == 5);
  CHECK(events.since(4).size() == 1);
  CHECK(events.since(5).empty());
  events.set_history(1);
  CHECK(events.since(0).size() == 1);
}

TEST_CASE("a stream misses no event, however short the history is") {
  const Quiet quiet;
  for (const std::size_t history : {std::size_t{0}, std::size_t{1}}) {
    EventLog events(history);
    for (int i = 0; i < 5; ++i) events.record("a", tripped());
    CHECK(events.unsent(2).size() == 3);
    CHECK(events.since(0).size() == history);
    CHECK(events.last_of("a", 9).size() == history);
    CHECK(events.last_of_each(9).size() == history);
  }
}

TEST_CASE("the last events of one breaker, oldest first") {
  const Quiet quiet;
  EventLog events(100);
  for (const char* name : {"a", "b", "a", "a", "b"}) events.record(name, tripped());
  const auto last = events.last_of("a", 2);
  REQUIRE(last.size() == 2);
  CHECK(last[0].id == 3);
  CHECK(last[1].id == 4);
  CHECK(events.last_of("c", 2).empty());
}

TEST_CASE("rejections and results are not reported one by one") {
  const Quiet quiet;
  EventLog events(10);
  events.record("a", of(Kind::rejection));
  events.record("a", of(Kind::result));
  CHECK(events.since(0).empty());
}

TEST_CASE("subscribers hear of each event until they leave") {
  const Quiet quiet;
  EventLog events(10);
  int first = 0;
  int second = 0;
  const auto one = events.subscribe([&] { ++first; });
  const auto two = events.subscribe([&] { ++second; });
  events.record("a", tripped());
  events.unsubscribe(one);
  events.record("a", tripped());
  events.unsubscribe(two);
  events.record("a", tripped());
  CHECK(first == 1);
  CHECK(second == 2);
}

TEST_CASE("each transition is a log line with its figures") {
  std::FILE* file = std::tmpfile();
  log::start({}, ::fileno(file));
  EventLog events(10);
  events.record("orders", tripped());
  breaker::Event forced = of(Kind::override_set);
  forced.override_state = breaker::Override::forced_open;
  forced.override_for = 10min;
  events.record("orders", forced);
  events.record("orders", transition(breaker::State::half_open, breaker::State::closed));
  log::stop();
  std::string text(static_cast<std::size_t>(::lseek(::fileno(file), 0, SEEK_END)), '\0');
  REQUIRE(::pread(::fileno(file), text.data(), text.size(), 0) == static_cast<ssize_t>(text.size()));
  std::fclose(file);

  const std::size_t first_end = text.find('\n');
  const auto line = boost::json::parse(text.substr(0, first_end)).as_object();
  CHECK(line.at("level").as_string() == "warn");
  CHECK(line.at("breaker").as_string() == "orders");
  CHECK(line.at("from").as_string() == "closed");
  CHECK(line.at("to").as_string() == "open");
  CHECK(line.at("reason").as_string() == "failure_rate");
  CHECK(line.at("value").as_double() == 0.625);
  CHECK(line.at("threshold").as_double() == 0.5);
  CHECK(line.at("window_calls").as_int64() == 16);
  CHECK(line.at("window_failures").as_int64() == 10);
  CHECK(line.at("open_for_ms").as_int64() == 30000);
  const std::size_t second_end = text.find('\n', first_end + 1);
  const auto second = boost::json::parse(text.substr(first_end + 1, second_end - first_end - 1)).as_object();
  CHECK(second.at("override").as_string() == "forced_open");
  CHECK(second.at("for_ms").as_int64() == 600000);
  const auto third = boost::json::parse(text.substr(second_end + 1, text.size() - second_end - 2)).as_object();
  CHECK(third.at("level").as_string() == "info");
  CHECK(third.at("to").as_string() == "closed");
}
