// SPDX-License-Identifier: Apache-2.0
// When an exchange is due to end, phase by phase; time is what the test says.
#include "proxy/upstream/exchange_clock.hpp"

#include <doctest/doctest.h>

#include "tests/unit/proxy/control/control_rig.hpp"

using namespace fusewire;
using namespace fusewire::proxy;
using namespace std::chrono_literals;
using Phase = ExchangeClock::Phase;

namespace {

struct Timed {
  Timed() {
    call.context = &context;
    call.exchange = &x;
    call.upstream = snapshot->upstreams.front()->config;
    call.circuit_breaker = &call.upstream->circuit_breaker;
    x.connect_within = 1s;
    x.response_within = 2s;
    x.idle_within = 3s;
    x.request_sent = start;
  }
  // Whether the clock has something due at that time.
  bool falls_due(Time now) {
    due = false;
    wheel.tick(now);
    return due;
  }

  const Time start{1h};
  testing::ControlRig rig;
  std::shared_ptr<const Snapshot> snapshot = rig.control.snapshot();
  RequestContext context;
  Exchange x;
  Call call;
  CallChain chain{snapshot->upstreams.front()->chain};
  DeadlineWheel wheel{start};
  bool due = false;
  AttemptChain filters{snapshot->upstreams.front()->chain};
  ExchangeClock clock{wheel, call, x, {chain, filters, x}, [this] { due = true; }};
};

}  // namespace

TEST_CASE_FIXTURE(Timed, "connecting has its own time, which begins anew when there is a slot") {
  clock.begin_connecting(Phase::queueing, start);
  CHECK(clock.next_timeout().outcome == Outcome::connect_timeout);
  CHECK(clock.next_timeout().at == start + 1s);
  clock.begin_connecting(Phase::connecting, start + 500ms);
  CHECK(clock.next_timeout().at == start + 1500ms);
  CHECK_FALSE(falls_due(start + 1400ms));
  CHECK(falls_due(start + 1600ms));
}

TEST_CASE_FIXTURE(Timed, "the response's head has its time from when the request was sent") {
  clock.enter(Phase::waiting);
  CHECK(clock.next_timeout().outcome == Outcome::response_timeout);
  CHECK(clock.next_timeout().at == start + 2s);
}

TEST_CASE_FIXTURE(Timed, "what a client takes for an interim response is not the upstream's time") {
  clock.enter(Phase::waiting);
  clock.response_waits(start + 1s);
  CHECK(clock.next_timeout().at == kNever);
  clock.response_taken(start + 5s);
  CHECK(clock.next_timeout().at == start + 6s);
}

TEST_CASE_FIXTURE(Timed, "a piece of the body has its time from when it was asked for") {
  x.response_head = start;
  clock.note_progress(start + 7s);
  clock.enter(Phase::body);
  CHECK(clock.next_timeout().outcome == Outcome::idle_timeout);
  CHECK(clock.next_timeout().at == start + 10s);
  clock.enter(Phase::relaying);
  CHECK(clock.next_timeout().at == kNever);
}

TEST_CASE_FIXTURE(Timed, "the request's deadline ends what goes on before the response's head, and nothing behind it") {
  call.total_at = start + 1s;
  clock.enter(Phase::waiting);
  CHECK(clock.next_timeout().outcome == Outcome::total_timeout);
  CHECK(clock.next_timeout().at == start + 1s);
  x.response_head = start + 500ms;
  clock.enter(Phase::relaying);
  CHECK(clock.next_timeout().at == kNever);
}

TEST_CASE_FIXTURE(Timed, "the request's deadline stands still while its body moves") {
  call.total_at = start + 10s;
  clock.enter(Phase::sending);
  clock.note_progress(start);
  clock.upload_came(1000, start + 4s);
  CHECK(call.total_at == start + 14s);
  clock.upload_sent(start + 5s, true);
  CHECK(call.total_at == start + 15s);
  CHECK(x.request_sent == start + 5s);
  CHECK(clock.phase() == Phase::waiting);
}

TEST_CASE_FIXTURE(Timed, "an upstream that takes a part of a blocked write has the idle time anew") {
  clock.enter(Phase::sending);
  clock.begin_blocked_write(start, 1000);
  CHECK(clock.next_timeout().outcome == Outcome::idle_timeout);
  CHECK(clock.next_timeout().at == start + 3s);
  clock.tick(start + 2s, 1000);
  CHECK(clock.next_timeout().at == start + 3s);
  clock.tick(start + 2s, 1500);
  CHECK(clock.next_timeout().at == start + 5s);
  clock.end_blocked_write();
  CHECK(clock.next_timeout().at == kNever);
}

TEST_CASE_FIXTURE(Timed, "the first fault counts, and nothing is due after it") {
  clock.enter(Phase::waiting);
  clock.fail({Outcome::cut_off, start + 1s});
  clock.fail({Outcome::response_timeout, start + 2s});
  CHECK(clock.fault()->outcome == Outcome::cut_off);
  clock.arm();
  CHECK_FALSE(falls_due(start + 1min));
}

TEST_CASE_FIXTURE(Timed, "an exchange that has ended has no timeout") {
  clock.enter(Phase::waiting);
  x.outcome = Outcome::complete;
  CHECK(clock.next_timeout().at == kNever);
  clock.arm();
  CHECK_FALSE(falls_due(start + 1min));
}
