// SPDX-License-Identifier: Apache-2.0
#include <doctest/doctest.h>

#include <stdexcept>

#include "tests/unit/filters/breaker/played_breaker.hpp"

namespace fusewire::breaker::testing {
namespace {

using Kind = Event::Kind;

TEST_CASE("a story is reported in order, each event once") {
  PlayedBreaker play(only_consecutive(1));
  play.listen();
  play.fail();
  play.reject();
  play.wait_out();
  play.succeed(3);
  std::vector<Kind> kinds;
  for (const Event& event : play.events) kinds.push_back(event.kind);
  CHECK(kinds == std::vector<Kind>{Kind::result, Kind::transition, Kind::rejection, Kind::transition, Kind::result,
                                   Kind::result, Kind::result, Kind::transition});

  const Event& opened = play.events[1];
  CHECK(opened.from == State::closed);
  CHECK(opened.to == State::open);
  CHECK(opened.generation == 1);
  CHECK(opened.trip->reason == Reason::consecutive_failures);
  CHECK(opened.trip->open_for == 30s);
  CHECK(opened.trip->window.failures == 1);
  CHECK(play.events[0].result == Event::Result::failure);
  CHECK(play.events[0].failure == FailureKind::status);
  CHECK(play.events[2].rejection.by == RejectedBy::open);
  CHECK(play.events[2].rejection.retry_after == 30s);
  CHECK_FALSE(play.events[2].would);
  CHECK(play.events[3].to == State::half_open);
  CHECK_FALSE(play.events[3].trip);
  CHECK(play.events[7].to == State::closed);
  CHECK(play.events[7].generation == 3);
}

TEST_CASE("only what the listener subscribes to is reported") {
  PlayedBreaker play(only_consecutive(1));
  play.listen({.transitions = true, .rejections = false, .results = false});
  play.fail();
  play.reject();
  CHECK(play.events.size() == 1);
}

TEST_CASE("in shadow a rejection says that it would have been one") {
  config::CircuitBreaker config = only_consecutive(1);
  config.mode = config::Mode::shadow;
  PlayedBreaker play(config);
  play.listen({.transitions = false, .rejections = true, .results = false});
  play.fail();
  play.must_admit().success(play.now);
  CHECK(play.events.size() == 1);
  CHECK(play.events.front().would);
}

TEST_CASE("overrides are reported when set, when released and when they end by themselves") {
  PlayedBreaker play;
  play.listen();
  play.breaker.force_open(play.now, 10s);
  play.breaker.force_closed(play.now, 5s);
  play.now += 5s;
  play.must_admit().neutral(play.now);
  play.must_admit().neutral(play.now);
  play.breaker.release(play.now);  // there is none any more
  play.breaker.force_open(play.now);
  play.breaker.release(play.now);
  std::vector<std::pair<Kind, Override>> reported;
  for (const Event& event : play.events)
    if (event.kind != Kind::result) reported.emplace_back(event.kind, event.override_state);
  CHECK(reported == std::vector<std::pair<Kind, Override>>{{Kind::override_set, Override::forced_open},
                                                           {Kind::override_set, Override::forced_closed},
                                                           {Kind::override_ended, Override::forced_closed},
                                                           {Kind::override_set, Override::forced_open},
                                                           {Kind::override_ended, Override::forced_open}});
  CHECK(play.events[0].override_for == 10s);
}

TEST_CASE("a reset from open tells the transition and the reset, from closed the reset alone") {
  PlayedBreaker play(only_consecutive(1));
  play.fail();
  play.listen();
  play.breaker.reset(play.now);
  play.breaker.reset(play.now);
  CHECK(play.events.size() == 3);
  CHECK(play.events[0].kind == Kind::transition);
  CHECK(play.events[0].from == State::open);
  CHECK(play.events[0].to == State::closed);
  CHECK(play.events[1].kind == Kind::reset);
  CHECK(play.events[2].kind == Kind::reset);
  CHECK(play.events[2].generation == 3);
}

TEST_CASE("a listener that throws changes nothing") {
  PlayedBreaker play(only_consecutive(2));
  play.breaker.listen([](const Event&) { throw std::runtime_error("no room"); }, {true, true, true});
  play.fail(2);
  CHECK(play.state() == State::open);
  CHECK(play.reject().by == RejectedBy::open);
  play.wait_out();
  play.succeed(3);
  CHECK(play.state() == State::closed);
}

}  // namespace
}  // namespace fusewire::breaker::testing
