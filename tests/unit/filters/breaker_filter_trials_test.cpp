// SPDX-License-Identifier: Apache-2.0
// What holds a slot of a half-open breaker, and what gives it back.
#include <doctest/doctest.h>

#include "tests/unit/filters/breaker_filter_scene.hpp"

using namespace fusewire;
using namespace fusewire::test;

TEST_CASE_FIXTURE(BreakerFilterScene, "an event stream of an hour does not hold a half-open slot") {
  auto settings = calm();
  settings.recovery.half_open_max_calls = 1;
  settings.recovery.success_threshold = 2;
  configure(settings);
  for (int i = 0; i < 5; ++i) fail();
  CHECK_FALSE(request(kStart + 30s));
  reply(kStart + 31s);
  filter->on_due(call, kStart + 41s);
  auto stream = std::move(filter);
  filter.reset();
  Exchange streamed = x;
  Call streaming = call;
  streaming.exchange = &streamed;
  CHECK_FALSE(request(kStart + 42s));
  reply(kStart + 42s);
  done(Outcome::complete, kStart + 42s);
  CHECK(breaker->state() == breaker::State::closed);
  streamed.outcome = Outcome::complete;
  stream->on_done(streaming, kStart + 3600s);
  CHECK(breaker->state() == breaker::State::closed);
}

TEST_CASE_FIXTURE(BreakerFilterScene, "a trial call that turns slow re-opens at that moment") {
  for (int i = 0; i < 5; ++i) fail();
  CHECK_FALSE(request(kStart + 30s));
  filter->on_due(call, kStart + 35s);
  CHECK(breaker->state() == breaker::State::open);
}

TEST_CASE_FIXTURE(BreakerFilterScene, "half-open without a free slot says so") {
  auto settings = calm();
  settings.recovery.half_open_max_calls = 1;
  configure(settings);
  for (int i = 0; i < 5; ++i) fail();
  CHECK_FALSE(request(kStart + 30s));
  BreakerFilter second(context);
  Call other = call;
  const auto rejected = own_reply(second, other, kStart + 30s);
  REQUIRE(rejected);
  CHECK(rejected->state == "half_open");
}

TEST_CASE_FIXTURE(
    BreakerFilterScene,
    "a trial call that waits for its client gives its slot back, goes on, and is judged by what the upstream does") {
  auto settings = calm();
  settings.recovery.half_open_max_calls = 1;
  settings.recovery.success_threshold = 1;
  configure(settings);
  for (int i = 0; i < 5; ++i) fail();
  CHECK_FALSE(request(kStart + 30s));
  Scene::request.body = BodyKind::length;
  Scene::request.content_length = 1;
  x.request_sent = kNever;
  CHECK(filter->next_due(call) == kNever);
  x.waits.upload_waits(kStart + 30s);
  CHECK(filter->next_due(call) == kStart + 31001ms);
  filter->on_due(call, kStart + 31s);
  CHECK(breaker->snapshot(kStart + 31s).half_open.in_flight == 1);
  filter->on_due(call, kStart + 31001ms);
  CHECK(breaker->snapshot(kStart + 32s).half_open.in_flight == 0);
  CHECK(filter->next_due(call) == kNever);
  done(Outcome::complete, kStart + 40s);
  CHECK(breaker->state() == breaker::State::closed);
  CHECK(totals().success == 1);
}

TEST_CASE_FIXTURE(BreakerFilterScene,
                  "a trial call that says nothing of its upstream by its client's doing makes room for another one") {
  auto settings = calm();
  settings.recovery.half_open_max_calls = 1;
  configure(settings);
  for (int i = 0; i < 5; ++i) fail();
  for (const Outcome unjudged : {Outcome::client_gone, Outcome::client_fault, Outcome::client_gone}) {
    CHECK_FALSE(request(kStart + 30s));
    done(unjudged, kStart + 30s);
  }
  CHECK(breaker->snapshot(kStart + 30s).half_open.slots == 4);
  CHECK_FALSE(request(kStart + 30s));
  done(Outcome::resource_exhausted, kStart + 30s);  // not its client's doing
  CHECK_FALSE(request(kStart + 30s));
  done(Outcome::overload, kStart + 30s);
  CHECK_FALSE(request(kStart + 30s));
  done(Outcome::complete, kStart + 30s);
  CHECK(breaker->snapshot(kStart + 30s).half_open.slots == 4);
  CHECK(breaker->snapshot(kStart + 30s).half_open.in_flight == 0);
}

TEST_CASE_FIXTURE(BreakerFilterScene, "a trial call whose client leaves a body that was coming is judged by the head") {
  for (const int status : {200, 503}) {
    configure(calm());
    for (int i = 0; i < 5; ++i) fail();
    for (int i = 0; i < (status == 200 ? 3 : 1); ++i) {
      CHECK_FALSE(request(kStart + 30s));
      response.status = status;
      reply(kStart + 30s);
      x.was_moving = true;
      done(Outcome::client_gone, kStart + 39s);
    }
    CHECK(breaker->state() == (status == 200 ? breaker::State::closed : breaker::State::open));
    CHECK(totals().neutral == 0);
  }
  response.status = 200;
  configure(calm());
  request();
  reply(kStart);
  x.was_moving = true;
  done(Outcome::client_gone, kStart + 9s);  // no trial
  CHECK(totals().neutral == 1);
  configure(calm());
  for (int i = 0; i < 5; ++i) fail();
  request(kStart + 30s);
  reply(kStart + 30s);
  x.was_moving = false;  // perhaps the client has left because it stood still
  done(Outcome::client_gone, kStart + 39s);
  CHECK(totals().neutral == 1);
  CHECK(breaker->state() == breaker::State::half_open);
}

TEST_CASE_FIXTURE(BreakerFilterScene, "a trial call that has given its slot back is judged by the head, too") {
  for (int i = 0; i < 5; ++i) fail();
  for (int i = 0; i < 3; ++i) {
    CHECK_FALSE(request(kStart + 30s));
    reply(kStart + 30s);
    x.waits.response_waits(kStart + 30s);
    filter->on_due(call, kStart + 31001ms);
    CHECK(breaker->snapshot(kStart + 32s).half_open.in_flight == 0);
    x.client_withheld = true;
    done(Outcome::client_gone, kStart + 33s);
  }
  CHECK(breaker->state() == breaker::State::closed);
  CHECK(totals().neutral == 0);
}

TEST_CASE_FIXTURE(BreakerFilterScene,
                  "a trial call whose client leaves its body says nothing before a second has passed") {
  auto settings = calm();
  configure(settings);
  for (int i = 0; i < 5; ++i) fail();
  const auto leave_after = [&](milliseconds time) {
    CHECK_FALSE(request(kStart + 30s));
    reply(kStart + 30s);
    x.was_moving = true;
    done(Outcome::client_gone, kStart + 30s + time);
  };
  leave_after(999ms);
  CHECK(totals().success == 0);
  leave_after(1000ms);
  CHECK(totals().success == 1);
  settings.recovery.settle_after = 200ms;
  configure(settings);
  for (int i = 0; i < 5; ++i) fail();
  leave_after(200ms);
  CHECK(totals().success == 1);
  settings.detection.slow_call_rate.emplace().measure = config::Measure::body;
  configure(settings);
  for (int i = 0; i < 5; ++i) fail();
  leave_after(9s);
  CHECK(totals().success == 0);
}

TEST_CASE_FIXTURE(BreakerFilterScene,
                  "a trial call whose upload takes long gives its slot back, whichever side is waited for") {
  for (int i = 0; i < 5; ++i) fail();
  CHECK_FALSE(request(kStart + 30s));
  x.request_sent = kNever;
  x.waits.upload_begins(kStart + 30s);
  CHECK(filter->next_due(call) == kStart + 31001ms);
  filter->on_due(call, kStart + 31001ms);
  CHECK(breaker->snapshot(kStart + 31001ms).half_open.in_flight == 0);
  done(Outcome::reset, kStart + 32s);
  CHECK(breaker->state() == breaker::State::open);
}

TEST_CASE_FIXTURE(BreakerFilterScene, "calls of a closed breaker wait for their clients as long as they like") {
  request();
  x.request_sent = kNever;
  x.waits.upload_waits(kStart);
  CHECK(filter->next_due(call) == kNever);
}
