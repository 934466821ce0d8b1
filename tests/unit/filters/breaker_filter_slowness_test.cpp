// SPDX-License-Identifier: Apache-2.0
// From when, and until when, a call's time is its upstream's.
#include <doctest/doctest.h>

#include "tests/unit/filters/breaker_filter_scene.hpp"

using namespace fusewire;
using namespace fusewire::test;

TEST_CASE_FIXTURE(BreakerFilterScene,
                  "a call turns slow at slower_than after the request was sent, while it still waits") {
  request();
  sent(kStart + 1s);
  CHECK(filter->next_due(call) == kStart + 6s);
  filter->on_due(call, kStart + 5999ms);
  CHECK(slow() == 0);
  filter->on_due(call, kStart + 6s);
  CHECK(slow() == 1);
  CHECK(filter->next_due(call) == kNever);
  reply(kStart + 7s);
  done(Outcome::complete, kStart + 7s);
  CHECK(slow() == 1);
  CHECK(totals().success == 1);
}

TEST_CASE_FIXTURE(BreakerFilterScene, "a head exactly at slower_than is slow even when no tick came before it") {
  request();
  reply(kStart + 5s);
  CHECK(slow() == 1);
  request();
  reply(kStart + 4999ms);
  done(Outcome::complete, kStart + 9s);
  CHECK(slow() == 1);
}

TEST_CASE_FIXTURE(BreakerFilterScene, "a failure that comes too late is slow as well") {
  request();
  done(Outcome::reset, kStart + 6s);
  CHECK(slow() == 1);
}

TEST_CASE_FIXTURE(BreakerFilterScene,
                  "a body takes its own time: nothing is slow before it is sent, or where the head came first") {
  request();
  Scene::request.body = BodyKind::length;
  Scene::request.content_length = 1;
  x.request_sent = kNever;
  CHECK(filter->next_due(call) == kNever);
  reply(kStart + 8s);
  x.request_sent = kStart + 9s;
  filter->on_due(call, kStart + 15s);
  CHECK(slow() == 0);
}

TEST_CASE_FIXTURE(BreakerFilterScene,
                  "without a body the upstream's time begins with the permit, be there a connection or not") {
  request();
  x.request_sent = kNever;
  CHECK(filter->next_due(call) == kStart + 5s);
  done(Outcome::client_gone, kStart + 6s);
  CHECK(slow() == 1);
}

TEST_CASE_FIXTURE(BreakerFilterScene, "the time before a retry is not the upstream's, and that of its attempts is") {
  request();
  call.paused = 6s;
  x.begun = kStart + 7s;  // the second attempt; the first one took a second
  x.request_sent = kStart + 7s;
  CHECK(filter->next_due(call) == kStart + 11s);
  reply(kStart + 10s);
  CHECK(slow() == 0);
}

TEST_CASE_FIXTURE(BreakerFilterScene, "with measure: body slowness runs to the response's end") {
  auto settings = calm();
  settings.detection.slow_call_rate->measure = config::Measure::body;
  configure(settings);
  request();
  reply(kStart + 1s);
  CHECK(filter->next_due(call) == kStart + 5s);
  done(Outcome::complete, kStart + 4s);
  CHECK(slow() == 0);
  request();
  reply(kStart + 1s);
  done(Outcome::complete, kStart + 5s);
  CHECK(slow() == 1);
}

TEST_CASE_FIXTURE(BreakerFilterScene, "without a slow-call detector nothing is due before the head") {
  auto settings = calm();
  settings.detection.slow_call_rate.reset();
  configure(settings);
  request();
  CHECK(filter->next_due(call) == kNever);
  reply(kStart + 20s);
  CHECK(slow() == 0);
}

TEST_CASE_FIXTURE(BreakerFilterScene, "time in which the client was waited for is not the upstream's slowness") {
  request();
  x.waits.response_waits(kStart + 1s);
  CHECK(filter->next_due(call) == kNever);
  filter->on_due(call, kStart + 7s);
  CHECK(slow() == 0);
  x.waits.response_taken(kStart + 7s);
  CHECK(filter->next_due(call) == kStart + 11s);
  filter->on_due(call, kStart + 11s);
  CHECK(slow() == 1);
}

TEST_CASE_FIXTURE(BreakerFilterScene, "an upload's waits before the request was sent change nothing of its slowness") {
  request();
  x.waits.upload_waits(kStart);
  x.waits.upload_came(10'000, kStart + 8s);
  x.waits.request_sent(kStart + 8s);
  sent(kStart + 8s);
  CHECK(filter->next_due(call) == kStart + 13s);
}

TEST_CASE_FIXTURE(BreakerFilterScene,
                  "a call that turned slow is reported with its own time, however late the tick is") {
  auto settings = calm();
  settings.detection.minimum_calls = 1;
  configure(settings);
  request();
  filter->on_due(call, kStart + 5017ms);
  REQUIRE(breaker->last_trip().has_value());
  CHECK(breaker->last_trip()->at == kStart + 5s);
}
