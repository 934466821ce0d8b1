// SPDX-License-Identifier: Apache-2.0
#include <doctest/doctest.h>

#include "tests/unit/filters/breaker_filter_scene.hpp"

using namespace fusewire;
using namespace fusewire::test;

TEST_CASE_FIXTURE(BreakerFilterScene, "a permit lets the request pass and notes when") {
  CHECK_FALSE(request(kStart + 5ms));
  CHECK(call.permitted == kStart + 5ms);
  CHECK(x.outcome == Outcome::pending);
}

TEST_CASE_FIXTURE(BreakerFilterScene,
                  "after five failures in a row the answer is CircuitBreakerOpen, with the reason and the time left") {
  for (int i = 0; i < 5; ++i) fail();
  const auto reply = request(kStart + 17600ms);
  REQUIRE(reply);
  CHECK(reply->problem == Problem::circuit_breaker_open);
  CHECK(reply->status == 503);
  CHECK(reply->state == "open");
  CHECK(reply->retry_after == 12400ms);
  CHECK(reply->detail == "circuit breaker 'orders' is open: 5 failures in a row; next trial in 12.4 s");
  CHECK(call.has(Flag::circuit_open));
  CHECK(x.outcome == Outcome::local);
  CHECK(call.permitted == kNever);
}

TEST_CASE_FIXTURE(BreakerFilterScene, "what is asked for in the background is only counted") {
  for (const bool background : {true, false}) {
    configure(calm());
    for (int i = 0; i < 5; ++i) {
      begin(kStart);
      request_context.background = background;
      filter.emplace(context);
      REQUIRE_FALSE(own_reply(*filter, call, kStart));
      sent(kStart);
      done(Outcome::reset, kStart);
    }
    CHECK(totals().failure == 5);
    CHECK(breaker->state() == (background ? breaker::State::closed : breaker::State::open));
  }
}

TEST_CASE_FIXTURE(BreakerFilterScene, "a rejected exchange is not judged") {
  breaker->force_open(kStart);
  auto reply = request();
  REQUIRE(reply);
  CHECK(reply->state == "forced_open");
  filter->on_reply(call, *reply, kStart);
  filter->on_done(call, kStart);
  CHECK(call.verdict == Verdict::none);
  CHECK(totals().neutral == 0);
  CHECK(totals().rejected == 1);
}

TEST_CASE_FIXTURE(BreakerFilterScene,
                  "a route's own breaker judges its calls, and its upstream's hears nothing of them") {
  breaker::Breaker above(calm(), kStart, 1);
  context.above_breaker = &above;
  context.breaker_name = "orders/read";
  for (int i = 0; i < 5; ++i) fail();
  const auto reply = request(kStart + 17600ms);
  REQUIRE(reply);
  CHECK(reply->detail == "circuit breaker 'orders/read' is open: 5 failures in a row; next trial in 12.4 s");
  CHECK(above.state() == breaker::State::closed);
  CHECK(above.snapshot(kStart).totals.failure == 0);
  CHECK(above.snapshot(kStart).totals.rejected == 0);
}

TEST_CASE_FIXTURE(BreakerFilterScene,
                  "an upstream that an operator has forced open is so for routes with breakers of their own") {
  breaker::Breaker above(calm(), kStart, 1);
  context.above_breaker = &above;
  context.breaker_name = "orders/read";
  above.force_open(kStart, 1s);
  const auto reply = request(kStart + 400ms);
  REQUIRE(reply);
  CHECK(reply->state == "forced_open");
  CHECK(reply->detail == "circuit breaker 'orders' is forced open by an operator for another 0.6 s");
  CHECK(above.snapshot(kStart).totals.rejected == 1);
  CHECK(totals().rejected == 0);
  CHECK_FALSE(request(kStart + 1s));
}

TEST_CASE_FIXTURE(BreakerFilterScene, "a complete response is judged by its status when it is done") {
  request();
  reply(kStart + 1s);
  CHECK(call.verdict == Verdict::none);
  done(Outcome::complete, kStart + 2s);
  CHECK(call.verdict == Verdict::success);
  CHECK(totals().success == 1);
}

TEST_CASE_FIXTURE(BreakerFilterScene,
                  "a reply that may yet be followed by another attempt is not judged, its end is, and once") {
  response.status = 500;
  request();
  x.outcome = Outcome::complete;
  x.response_end = kStart + 1s;
  reply(kStart + 1s);
  CHECK(call.verdict == Verdict::none);
  CHECK(totals().failure == 0);
  done(Outcome::complete, kStart + 1s);
  CHECK(call.verdict == Verdict::failure);
  CHECK(totals().failure == 1);
  done(Outcome::complete, kStart + 1s);
  CHECK(totals().failure == 1);
}

TEST_CASE_FIXTURE(BreakerFilterScene, "a 101 ends the call when it is read") {
  response.status = 101;
  request();
  x.outcome = Outcome::complete;
  reply(kStart + 1s);
  done(Outcome::complete, kStart + 1s);
  CHECK(totals().success == 1);
  CHECK(filter->next_due(call) == kNever);
}

TEST_CASE_FIXTURE(BreakerFilterScene, "a body cut short after a 200 is a failure") {
  request();
  reply(kStart + 1s);
  done(Outcome::incomplete, kStart + 2s);
  CHECK(call.verdict == Verdict::failure);
  CHECK(totals().failure == 1);
}

TEST_CASE_FIXTURE(BreakerFilterScene, "a response that a fallback took over is judged by its status") {
  response.status = 503;
  request();
  reply(kStart + 1s);
  done(Outcome::abandoned, kStart + 1s);
  CHECK(totals().failure == 1);
}

TEST_CASE_FIXTURE(BreakerFilterScene, "the client's leave and our own lack are neutral, being full is no call") {
  request();
  done(Outcome::client_gone, kStart + 1s);
  request();
  done(Outcome::resource_exhausted, kStart + 1s);
  CHECK(call.verdict == Verdict::neutral);
  request();
  done(Outcome::overload, kStart + 1s);
  CHECK(call.verdict == Verdict::none);
  CHECK(totals().success == 0);
  CHECK(totals().failure == 0);
  CHECK(totals().neutral == 2);
}

TEST_CASE_FIXTURE(BreakerFilterScene,
                  "what was answered here after the permit was taken is no call and holds no slot") {
  auto settings = calm();
  settings.recovery.half_open_max_calls = 1;
  configure(settings);
  for (int i = 0; i < 5; ++i) fail();
  Outcome outcome = Outcome::overload;
  SUBCASE("full") {}
  SUBCASE("a filter's reply") { outcome = Outcome::local; }
  CHECK_FALSE(request(kStart + 30s));
  done(outcome, kStart + 30s);
  CHECK(call.verdict == Verdict::none);
  CHECK(totals().neutral == 0);
  CHECK(breaker->snapshot(kStart + 30s).half_open.in_flight == 0);
  CHECK_FALSE(request(kStart + 30s));
}

TEST_CASE_FIXTURE(BreakerFilterScene, "a filter that is destroyed without a word gives its permit back as neutral") {
  request();
  filter.reset();
  CHECK(totals().neutral == 1);
}

TEST_CASE_FIXTURE(BreakerFilterScene, "what would be rejected in shadow goes through and reaches only the totals") {
  auto settings = calm();
  settings.mode = config::Mode::shadow;
  configure(settings);
  for (int i = 0; i < 5; ++i) fail();
  CHECK(breaker->state() == breaker::State::open);
  CHECK_FALSE(request(kStart + 1s));
  reply(kStart + 1s);
  done(Outcome::complete, kStart + 1s);
  CHECK(breaker->state() == breaker::State::open);
  CHECK(totals().would_reject == 1);
  CHECK(totals().success == 1);
}
