// SPDX-License-Identifier: Apache-2.0
#include "filters/breaker/breaker_filter.hpp"

#include <doctest/doctest.h>

#include "filters/breaker/classify.hpp"
#include "tests/unit/filters/scene.hpp"

using namespace fusewire;
using namespace fusewire::test;

namespace {

config::CircuitBreaker calm() {
  config::CircuitBreaker settings;
  settings.transitions.backoff.jitter = 0;
  return settings;
}

struct Fixture : Scene {
  std::unique_ptr<breaker::Breaker> breaker;
  std::unique_ptr<CompiledClassify> classify;
  ChainContext context;
  std::optional<BreakerFilter> filter;

  Fixture() { configure(calm()); }

  void configure(const config::CircuitBreaker& settings) {
    upstream.circuit_breaker = settings;
    filter.reset();
    breaker = std::make_unique<breaker::Breaker>(settings, kStart, 1);
    classify = std::make_unique<CompiledClassify>(settings.classify);
    context = {breaker.get(), classify.get(), nullptr, nullptr};
    context.breaker_name = "orders";
  }
  // A new exchange up to the chain's word; with a request that is sent at once when it may pass.
  std::optional<Reply> request(Time now = kStart) {
    begin(now);
    filter.emplace(context);
    auto reply = own_reply(*filter, call, now);
    if (!reply) sent(now);
    return reply;
  }
  void reply(Time now) {
    Reply r = head(now);
    filter->on_reply(call, r, now);
  }
  void done(Outcome outcome, Time now) {
    x.outcome = outcome;
    if (outcome == Outcome::complete) x.response_end = now;
    filter->on_done(call, now);
  }
  void fail(Time now = kStart) {
    request(now);
    done(Outcome::reset, now);
  }
  breaker::Totals totals() { return breaker->snapshot(kStart).totals; }
  std::uint64_t slow() { return breaker->snapshot(kStart + 10s).window.slow; }
};

}  // namespace

TEST_CASE_FIXTURE(Fixture, "a permit lets the request pass and notes when") {
  CHECK_FALSE(request(kStart + 5ms));
  CHECK(call.permitted == kStart + 5ms);
  CHECK(x.outcome == Outcome::pending);
}

TEST_CASE_FIXTURE(Fixture,
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

TEST_CASE_FIXTURE(Fixture, "a rejected exchange is not judged") {
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

TEST_CASE_FIXTURE(Fixture, "a route's own breaker judges its calls, and its upstream's hears nothing of them") {
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

TEST_CASE_FIXTURE(Fixture, "an upstream that an operator has forced open is so for routes with breakers of their own") {
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

TEST_CASE_FIXTURE(Fixture, "a complete response is judged by its status when it is done") {
  request();
  reply(kStart + 1s);
  CHECK(call.verdict == Verdict::none);
  done(Outcome::complete, kStart + 2s);
  CHECK(call.verdict == Verdict::success);
  CHECK(totals().success == 1);
}

TEST_CASE_FIXTURE(Fixture, "a reply that may yet be followed by another attempt is not judged, its end is, and once") {
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

TEST_CASE_FIXTURE(Fixture, "a 101 ends the call when it is read") {
  response.status = 101;
  request();
  x.outcome = Outcome::complete;
  reply(kStart + 1s);
  done(Outcome::complete, kStart + 1s);
  CHECK(totals().success == 1);
  CHECK(filter->next_due(call) == kNever);
}

TEST_CASE_FIXTURE(Fixture, "a body cut short after a 200 is a failure") {
  request();
  reply(kStart + 1s);
  done(Outcome::incomplete, kStart + 2s);
  CHECK(call.verdict == Verdict::failure);
  CHECK(totals().failure == 1);
}

TEST_CASE_FIXTURE(Fixture, "a response that a fallback took over is judged by its status") {
  response.status = 503;
  request();
  reply(kStart + 1s);
  done(Outcome::abandoned, kStart + 1s);
  CHECK(totals().failure == 1);
}

TEST_CASE_FIXTURE(Fixture, "the client's leave and our own lack are neutral, being full is no call") {
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

TEST_CASE_FIXTURE(Fixture, "what was answered here after the permit was taken is no call and holds no slot") {
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

TEST_CASE_FIXTURE(Fixture, "a filter that is destroyed without a word gives its permit back as neutral") {
  request();
  filter.reset();
  CHECK(totals().neutral == 1);
}

TEST_CASE_FIXTURE(Fixture, "a call turns slow at slower_than after the request was sent, while it still waits") {
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

TEST_CASE_FIXTURE(Fixture, "a head exactly at slower_than is slow even when no tick came before it") {
  request();
  reply(kStart + 5s);
  CHECK(slow() == 1);
  request();
  reply(kStart + 4999ms);
  done(Outcome::complete, kStart + 9s);
  CHECK(slow() == 1);
}

TEST_CASE_FIXTURE(Fixture, "a failure that comes too late is slow as well") {
  request();
  done(Outcome::reset, kStart + 6s);
  CHECK(slow() == 1);
}

TEST_CASE_FIXTURE(Fixture,
                  "a body takes its own time: nothing is slow before it is sent, or where the head came first") {
  request();
  Fixture::Scene::request.body = BodyKind::length;
  Fixture::Scene::request.content_length = 1;
  x.request_sent = kNever;
  CHECK(filter->next_due(call) == kNever);
  reply(kStart + 8s);
  x.request_sent = kStart + 9s;
  filter->on_due(call, kStart + 15s);
  CHECK(slow() == 0);
}

TEST_CASE_FIXTURE(Fixture, "without a body the upstream's time begins with the permit, be there a connection or not") {
  request();
  x.request_sent = kNever;
  CHECK(filter->next_due(call) == kStart + 5s);
  done(Outcome::client_gone, kStart + 6s);
  CHECK(slow() == 1);
}

TEST_CASE_FIXTURE(Fixture, "with measure: body slowness runs to the response's end") {
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

TEST_CASE_FIXTURE(Fixture, "without a slow-call detector nothing is due before the head") {
  auto settings = calm();
  settings.detection.slow_call_rate.reset();
  configure(settings);
  request();
  CHECK(filter->next_due(call) == kNever);
  reply(kStart + 20s);
  CHECK(slow() == 0);
}

TEST_CASE_FIXTURE(Fixture, "a body that still flows settle_after after its head ends the call by its status") {
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

TEST_CASE_FIXTURE(Fixture, "a settled stream of an error status is a failure") {
  response.status = 500;
  request();
  reply(kStart);
  filter->on_due(call, kStart + 10s);
  CHECK(totals().failure == 1);
}

TEST_CASE_FIXTURE(Fixture, "a settled stream that breaks off is a new, failed call") {
  request();
  reply(kStart);
  filter->on_due(call, kStart + 10s);
  done(Outcome::incomplete, kStart + 20s);
  CHECK(totals().success == 1);
  CHECK(totals().failure == 1);
}

TEST_CASE_FIXTURE(Fixture, "a settled stream that the client leaves is nothing more") {
  request();
  reply(kStart);
  filter->on_due(call, kStart + 10s);
  done(Outcome::client_gone, kStart + 20s);
  CHECK(totals().success == 1);
  CHECK(totals().failure == 0);
  CHECK(totals().neutral == 0);
}

TEST_CASE_FIXTURE(Fixture, "a settled stream's break is nothing where breaks are ignored or not listed") {
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

TEST_CASE_FIXTURE(Fixture, "an event stream of an hour does not hold a half-open slot") {
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

TEST_CASE_FIXTURE(Fixture, "a trial call that turns slow re-opens at that moment") {
  for (int i = 0; i < 5; ++i) fail();
  CHECK_FALSE(request(kStart + 30s));
  filter->on_due(call, kStart + 35s);
  CHECK(breaker->state() == breaker::State::open);
}

TEST_CASE_FIXTURE(Fixture, "half-open without a free slot says so") {
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

TEST_CASE_FIXTURE(Fixture, "what would be rejected in shadow goes through and reaches only the totals") {
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

TEST_CASE_FIXTURE(Fixture, "a settled stream that is ended by our own idle, or by our end, is nothing more") {
  request();
  reply(kStart);
  filter->on_due(call, kStart + 10s);
  SUBCASE("idle") { done(Outcome::idle_timeout, kStart + 70s); }
  SUBCASE("drain") { done(Outcome::cut_off, kStart + 70s); }
  CHECK(totals().success == 1);
  CHECK(totals().failure == 0);
  CHECK(totals().neutral == 0);
}

TEST_CASE_FIXTURE(Fixture, "a stream that stands still before it was settled is a failure") {
  request();
  reply(kStart);
  done(Outcome::idle_timeout, kStart + 5s);
  CHECK(totals().failure == 1);
}

TEST_CASE_FIXTURE(Fixture, "time in which the client was waited for is not the upstream's slowness") {
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

TEST_CASE_FIXTURE(Fixture, "an upload's waits before the request was sent change nothing of its slowness") {
  request();
  x.waits.upload_waits(kStart);
  x.waits.upload_came(10'000, kStart + 8s);
  x.waits.request_sent(kStart + 8s);
  sent(kStart + 8s);
  CHECK(filter->next_due(call) == kStart + 13s);
}

TEST_CASE_FIXTURE(
    Fixture,
    "a trial call that waits for its client gives its slot back, goes on, and is judged by what the upstream does") {
  auto settings = calm();
  settings.recovery.half_open_max_calls = 1;
  settings.recovery.success_threshold = 1;
  configure(settings);
  for (int i = 0; i < 5; ++i) fail();
  CHECK_FALSE(request(kStart + 30s));
  Fixture::Scene::request.body = BodyKind::length;
  Fixture::Scene::request.content_length = 1;
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

TEST_CASE_FIXTURE(Fixture,
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

TEST_CASE_FIXTURE(Fixture, "a trial call whose client leaves a body that was coming is judged by the head") {
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

TEST_CASE_FIXTURE(Fixture, "a trial call whose upload takes long gives its slot back, whichever side is waited for") {
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

TEST_CASE_FIXTURE(Fixture, "calls of a closed breaker wait for their clients as long as they like") {
  request();
  x.request_sent = kNever;
  x.waits.upload_waits(kStart);
  CHECK(filter->next_due(call) == kNever);
}

TEST_CASE_FIXTURE(Fixture, "a call that turned slow is reported with its own time, however late the tick is") {
  auto settings = calm();
  settings.detection.minimum_calls = 1;
  configure(settings);
  request();
  filter->on_due(call, kStart + 5017ms);
  REQUIRE(breaker->last_trip().has_value());
  CHECK(breaker->last_trip()->at == kStart + 5s);
}
