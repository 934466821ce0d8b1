// SPDX-License-Identifier: Apache-2.0
// Bodies that flow for long: when their call has ended.
#include <doctest/doctest.h>

#include "tests/unit/filters/breaker_filter_scene.hpp"

using namespace fusewire;
using namespace fusewire::test;

TEST_CASE_FIXTURE(BreakerFilterScene,
                  "a body that still flows settle_after after its head ends the call by its status") {
  request();
  reply(kStart + 1s);
  CHECK(filter->next_due(call) == kStart + 11s);
  filter->on_due(call, kStart + 10999ms);
  CHECK(totals().success == 0);
  filter->on_due(call, kStart + 11s);
  CHECK(totals().success == 1);
  CHECK(filter->next_due(call) == kNever);
  done(Outcome::complete, kStart + 3600s);
  CHECK(totals().success == 1);
  CHECK(totals().failure == 0);
}

TEST_CASE_FIXTURE(BreakerFilterScene, "a settled stream of an error status is a failure") {
  response.status = 500;
  request();
  reply(kStart);
  filter->on_due(call, kStart + 10s);
  CHECK(totals().failure == 1);
}

TEST_CASE_FIXTURE(BreakerFilterScene, "a settled stream that breaks off is a new, failed call") {
  request();
  reply(kStart);
  filter->on_due(call, kStart + 10s);
  done(Outcome::incomplete, kStart + 20s);
  CHECK(totals().success == 1);
  CHECK(totals().failure == 1);
}

TEST_CASE_FIXTURE(BreakerFilterScene, "a settled stream that the client leaves is nothing more") {
  request();
  reply(kStart);
  filter->on_due(call, kStart + 10s);
  done(Outcome::client_gone, kStart + 20s);
  CHECK(totals().success == 1);
  CHECK(totals().failure == 0);
  CHECK(totals().neutral == 0);
}

TEST_CASE_FIXTURE(BreakerFilterScene, "a settled stream's break is nothing where breaks are ignored or not listed") {
  auto settings = calm();
  SUBCASE("ignored") { settings.classify.ignore.incomplete = true; }
  SUBCASE("not listed") { settings.classify.failure.incomplete = false; }
  configure(settings);
  request();
  reply(kStart);
  filter->on_due(call, kStart + 10s);
  done(Outcome::incomplete, kStart + 20s);
  CHECK(totals().failure == 0);
}

TEST_CASE_FIXTURE(BreakerFilterScene,
                  "a settled stream that is ended by our own idle, or by our end, is nothing more") {
  request();
  reply(kStart);
  filter->on_due(call, kStart + 10s);
  SUBCASE("idle") { done(Outcome::idle_timeout, kStart + 70s); }
  SUBCASE("drain") { done(Outcome::cut_off, kStart + 70s); }
  CHECK(totals().success == 1);
  CHECK(totals().failure == 0);
  CHECK(totals().neutral == 0);
}

TEST_CASE_FIXTURE(BreakerFilterScene, "a stream that stands still before it was settled is a failure") {
  request();
  reply(kStart);
  done(Outcome::idle_timeout, kStart + 5s);
  CHECK(totals().failure == 1);
}
