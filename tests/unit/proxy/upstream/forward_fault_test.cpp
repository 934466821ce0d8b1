// SPDX-License-Identifier: Apache-2.0
// What an injected fault does to an exchange: client, connections and stream are scripted.
#include "tests/unit/proxy/upstream/forward_scene.hpp"

using namespace fusewire;
using namespace fusewire::proxy;
using namespace fusewire::testing;
using namespace std::chrono_literals;

namespace {

// Long enough that nothing but the test ends it.
constexpr std::uint32_t kLong = 60'000;

struct FaultScene : ForwardScene {
  template <class... Request>
  explicit FaultScene(fault::Injected injected, Request... asked) : ForwardScene(asked...) {
    begin();
    call.total_at = kNever;
    x.injected = injected;
    upstream.state->faults.set({.until = kNever});
  }
  std::uint64_t delayed() const {
    return upstream.state->cells.sum([](const UpstreamCells& one) { return one.delays_injected.value(); });
  }
  std::uint64_t aborted() const {
    return upstream.state->cells.sum([](const UpstreamCells& one) { return one.aborts_injected.value(); });
  }
  std::string body() {
    std::string all;
    while (x.outcome == Outcome::pending) all += forward.next_piece();
    return all;
  }
};

}  // namespace

// ------------------------------------------------------------------------------------------------------ delays

TEST_CASE("a delayed request is sent when its delay is over, and that time is the endpoint's") {
  FaultScene scene({.delay_ms = 20});
  scene.kept.head(200, true);
  scene.fetch_begun();
  CHECK_FALSE(scene.fetched);
  CHECK(scene.kept.request.empty());
  scene.wait_for_end();
  CHECK(scene.kept.request == "GET|");
  CHECK(scene.x.outcome == Outcome::complete);
  CHECK(scene.x.request_sent == scene.x.begun);
  CHECK(scene.x.response_head - scene.x.request_sent >= 20ms);
  CHECK(scene.call.has(Flag::delay_injected));
  CHECK_FALSE(scene.call.has(Flag::fault_injected));
  CHECK(scene.delayed() == 1);
}

TEST_CASE("a delay in front of a body counts as the endpoint's, too") {
  FaultScene scene({.delay_ms = 20}, "POST", "pay", std::uint64_t{3});
  scene.kept.head(200, true);
  scene.fetch_begun();
  scene.wait_for_end();
  CHECK(scene.kept.request == "POST|pay|");
  CHECK(*scene.x.time_to_answer() >= 20ms);
}

TEST_CASE("a delay longer than timeouts.response is a response timeout, and nothing is sent") {
  FaultScene scene({.delay_ms = kLong, .abort = 503});
  scene.x.response_within = 1ms;
  scene.fetch_begun();
  scene.wait_for_end();
  CHECK(scene.x.outcome == Outcome::response_timeout);
  CHECK(scene.x.response_end == scene.x.begun + 1ms);
  CHECK(scene.x.request_sent == scene.x.begun);  // limits and hedges count it as a wait for the endpoint
  CHECK_FALSE(scene.x.client_withheld);
  CHECK_FALSE(scene.x.nothing_sent);  // as an endpoint that has the request: it is not sent elsewhere at once
  CHECK_FALSE(scene.call.nothing_sent);
  CHECK(scene.forward.attempts() == 1);
  CHECK(scene.kept.request.empty());
  CHECK_FALSE(scene.call.has(Flag::fault_injected));
  CHECK(scene.x.injected.abort == 0);  // it has not come to that
  CHECK(scene.aborted() == 0);
}

TEST_CASE("a delay ends with its fault") {
  FaultScene scene({.delay_ms = kLong});
  scene.kept.head(200, true);
  scene.fetch_begun();
  CHECK_FALSE(scene.fetched);
  scene.upstream.state->faults.clear();
  scene.wait_for_end();
  CHECK(scene.kept.request == "GET|");
  CHECK(scene.x.outcome == Outcome::complete);
}

TEST_CASE("a call's deadline passes during a delay") {
  FaultScene scene({.delay_ms = kLong});
  scene.call.total_at = steady_now() + 1ms;
  scene.fetch_begun();
  scene.wait_for_end();
  CHECK(scene.x.outcome == Outcome::total_timeout);
  CHECK(scene.x.response_end == scene.call.total_at);
}

TEST_CASE("a client that leaves during a delay ends it") {
  FaultScene scene({.delay_ms = kLong});
  scene.fetch_begun();
  scene.client.has_left = true;
  scene.wake();
  scene.wait_for_end();
  CHECK(scene.x.outcome == Outcome::client_gone);
  CHECK(scene.kept.request.empty());
}

TEST_CASE("an attempt that is superseded or cut off during its delay is over") {
  FaultScene scene({.delay_ms = kLong});
  scene.fetch_begun();
  SUBCASE("superseded") {
    scene.forward.abandon(Outcome::superseded);
    scene.forward.cut_off(Outcome::superseded);
  }
  SUBCASE("cut off") { scene.forward.cut_off(Outcome::cut_off); }
  scene.wake();
  scene.wait_for_end();
  CHECK(scene.x.outcome != Outcome::pending);
  CHECK(scene.kept.request.empty());
}

// ------------------------------------------------------------------------------------------------------ aborts

TEST_CASE("an injected status is the endpoint's answer, and no connection is used") {
  FaultScene scene({.abort = 503});
  scene.fetch_begun();
  REQUIRE(scene.fetched);
  CHECK(scene.forward.has_head());
  CHECK(scene.x.upstream_status == 503);
  CHECK(scene.x.response_head != kNever);
  CHECK_FALSE(scene.x.kept_connection);
  const Fields& fields = scene.forward.response().fields;
  CHECK(fields.find("content-type") == "application/problem+json");
  CHECK(fields.find("proxy-status") == "fusewire; error=proxy_internal_response; details=\"fault injected\"");
  CHECK(fields.find("cache-control") == "no-store");
  const std::string body = scene.body();
  CHECK(std::to_string(body.size()) == fields.find("content-length"));
  CHECK(body.find(R"("error":"FaultInjected","upstream":"orders","request_id":"id")") != std::string::npos);
  CHECK(scene.x.outcome == Outcome::complete);
  CHECK(scene.kept.request.empty());
  CHECK(scene.call.has(Flag::fault_injected));
  CHECK(scene.aborted() == 1);
  CHECK(scene.delayed() == 0);
  scene.finish();
  CHECK_FALSE(scene.source.end->reusable);
}

TEST_CASE("an injected status without a phrase of its own is one all the same") {
  FaultScene scene({.abort = 599});
  scene.fetch_begun();
  REQUIRE(scene.forward.has_head());
  CHECK(scene.x.upstream_status == 599);
}

TEST_CASE("an injected answer to HEAD has no body") {
  FaultScene scene({.abort = 404}, "HEAD");
  scene.fetch_begun();
  CHECK(scene.x.upstream_status == 404);
  CHECK(scene.x.outcome == Outcome::complete);
}

TEST_CASE("an injected reset is that of an endpoint that has had the request, and is not tried again here") {
  FaultScene scene({.abort = fault::kReset});
  scene.fetch_begun();
  REQUIRE(scene.fetched);
  CHECK(scene.x.outcome == Outcome::reset);
  CHECK_FALSE(scene.x.nothing_sent);
  CHECK_FALSE(scene.x.stale_connection);
  CHECK_FALSE(scene.x.client_withheld);
  CHECK(scene.forward.attempts() == 1);
  CHECK(scene.kept.request.empty());
}

TEST_CASE("an abort behind a delay comes when that is over") {
  FaultScene scene({.delay_ms = 10, .abort = 503});
  scene.fetch_begun();
  CHECK_FALSE(scene.fetched);
  scene.wait_for_end();
  CHECK(scene.x.upstream_status == 503);
  CHECK(scene.x.response_head - scene.x.begun >= 10ms);
  CHECK(scene.call.has(Flag::delay_injected));
  CHECK(scene.call.has(Flag::fault_injected));
}

TEST_CASE("an upload ends with an injected answer") {
  FaultScene scene({.abort = 503}, "POST", "he", std::uint64_t{5});
  scene.fetch_begun();
  REQUIRE(scene.forward.has_head());
  CHECK(scene.x.upstream_status == 503);
  scene.body();
  CHECK(scene.x.outcome == Outcome::complete);
}

TEST_CASE("what is injected is noted for those who ask later") {
  FaultScene scene({.delay_ms = 1, .abort = fault::kReset});
  scene.fetch_begun();
  scene.wait_for_end();
  const auto notes = scene.call.notes.all();
  REQUIRE(notes.size() == 2);
  CHECK(notes[0].what == Decision::delay_injected);
  CHECK(notes[0].value == 1);
  CHECK(notes[1].what == Decision::abort_injected);
  CHECK(notes[1].number == 0);
}

// ------------------------------------------------------------------------------------------------------ without a
// client

namespace {

// The breaker admits one trial, which is this request.
struct DelayedTrial : ForwardScene {
  explicit DelayedTrial(fault::Injected injected) {
    rig.trip("orders", steady_now());
    begin(steady_now() + 2s);  // its breaker lives two seconds ahead
    x.begun = steady_now();
    REQUIRE(upstream.state->breaker.state() == breaker::State::half_open);
    call.total_at = kNever;
    x.injected = injected;
    upstream.state->faults.set({.until = kNever});
    fetch_begun();
  }
  void leave() {
    client.has_left = true;
    wake();
    REQUIRE(call.runs_on);
    CHECK(x.outcome == Outcome::client_gone);
    spawn(run(forward.run_on(), ran), "run_on");
    const Time patience = steady_now() + 10s;
    while (!ran && steady_now() < patience) worker.loop().turn(patience);
    REQUIRE(ran);
    chain.on_verdict(call, steady_now() + 2s);
  }
  breaker::State state() const { return upstream.state->breaker.state(); }
  bool ran = false;
};

}  // namespace

TEST_CASE("a trial whose client leaves during a delay is judged by what the delay ends with") {
  SUBCASE("an abort") {
    DelayedTrial scene({.delay_ms = 10, .abort = 503});
    scene.leave();
    CHECK(scene.x.upstream_status == 503);
    CHECK(scene.state() == breaker::State::open);
    CHECK(scene.call.has(Flag::fault_injected));
  }
  SUBCASE("a timeout") {
    DelayedTrial scene({.delay_ms = kLong});
    scene.x.response_within = 10ms;
    scene.leave();
    CHECK(scene.x.outcome == Outcome::response_timeout);
    CHECK(scene.state() == breaker::State::open);
  }
  SUBCASE("nothing: the endpoint can be reached, and is sent nothing") {
    DelayedTrial scene({.delay_ms = 10});
    scene.leave();
    CHECK(scene.x.outcome == Outcome::client_gone);
    CHECK(scene.state() == breaker::State::half_open);
    CHECK(scene.fresh.request.empty());
  }
}
