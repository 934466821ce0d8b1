// SPDX-License-Identifier: Apache-2.0
// Calls that wait for somebody else's fetch, and calls that take more than one attempt.
#include <doctest/doctest.h>

#include <string_view>
#include <thread>

#include "proxy/request/call_runner.hpp"
#include "proxy/request/loop_waker.hpp"
#include "tests/unit/proxy/control/control_rig.hpp"
#include "tests/unit/proxy/request/driven_request.hpp"

using namespace fusewire;
using testing::Driven;

namespace {

constexpr std::string_view kGet = "GET /a HTTP/1.1\r\nHost: h\r\n\r\n";
constexpr std::string_view kStale =
    "HTTP/1.1 200 OK\r\nContent-Length: 3\r\nCache-Control: max-age=60\r\nAge: 100\r\nETag: \"1\"\r\n\r\nold";
constexpr std::string_view kAboutAnother = "HTTP/1.1 304 Not Modified\r\nETag: \"2\"\r\n\r\n";
constexpr std::string_view kNew =
    "HTTP/1.1 200 OK\r\nContent-Length: 3\r\nCache-Control: max-age=60\r\nETag: \"2\"\r\n\r\nnew";
constexpr std::string_view kFailed = "HTTP/1.1 500 Internal Server Error\r\nContent-Length: 2\r\n\r\nno";

// Two clients ask for the same thing; the second one waits.
struct Collapsed {
  Collapsed() {
    leader.comes(kGet);
    REQUIRE(leader.reached_the_origin() == 1);
    follower.comes(kGet);
    REQUIRE(leader.reached_the_origin() == 1);
    REQUIRE_FALSE(follower.has_ended());
  }
  Driven leader{testing::Setup{.cache = true, .serve = true}};
  Driven follower = leader.beside();
};

// A stored response is stale, and the upstream has said something about another one: it is asked once more.
struct SecondAttempt {
  SecondAttempt() {
    {
      Driven first = request.beside();
      first.comes(kGet);
      first.origin_sends(kStale);
      REQUIRE(first.has_ended());
    }
    request.comes(kGet);
    request.origin_sends(kAboutAnother);
    REQUIRE(request.reached_the_origin() == 3);
  }
  Driven request{testing::Setup{.cache = true, .serve = true}};
};

}  // namespace

// ------------------------------------------------------------------------------------------------------ waiting

TEST_CASE("a call that waits is answered with what it has waited for") {
  Collapsed calls;
  calls.leader.origin_sends(kNew);
  CHECK(calls.leader.client.taken().body == "new");
  CHECK(calls.follower.has_ended());
  CHECK(calls.follower.client.taken().body == "new");
  CHECK(calls.leader.reached_the_origin() == 1);
}

TEST_CASE("a call that waits ends with its client, or with the process, and asks nobody") {
  Collapsed calls;
  SUBCASE("its client leaves") { calls.follower.client_leaves(); }
  SUBCASE("the process stops") { calls.follower.process_stops(); }
  CHECK(calls.follower.has_ended());
  CHECK(calls.follower.client.taken().responses == 0);
  CHECK(calls.leader.reached_the_origin() == 1);
  calls.leader.origin_sends(kNew);
  CHECK(calls.leader.client.taken().body == "new");
}

TEST_CASE("a call that waits asks for itself when the one that it waits for has failed") {
  Collapsed calls;
  calls.leader.origin_sends(kFailed);
  CHECK(calls.leader.client.taken().status == 500);
  CHECK_FALSE(calls.follower.has_ended());
  CHECK(calls.leader.reached_the_origin() == 2);
  calls.follower.origin_sends(kNew);
  CHECK(calls.follower.client.taken().body == "new");
}

TEST_CASE("a waker sets the event of a coroutine that listens, and of none that does no longer") {
  proxy::Loop loop;
  proxy::Event event;
  bool woken = false;
  const auto waker = std::make_shared<proxy::LoopWaker>(loop, event);
  const auto wait = [](proxy::Event& news, bool& done) -> proxy::Task<void> {
    co_await news.wait();
    done = true;
  };
  proxy::spawn(wait(event, woken), "wait");
  SUBCASE("listens") {
    const proxy::LoopWaker::Listening listening(*waker);
    std::thread([&] { waker->wake(); }).join();
    loop.turn(Time{});
    CHECK(waker->woken());
  }
  SUBCASE("no longer") {
    { const proxy::LoopWaker::Listening listening(*waker); }
    std::thread([&] { waker->wake(); }).join();
    loop.turn(Time{});
    CHECK(waker->woken());
    CHECK_FALSE(woken);
    event.set();
  }
  loop.turn(Time{});
  CHECK(woken);
}

// ------------------------------------------------------------------------------------------------------ attempts

TEST_CASE("a second attempt's response goes to the client") {
  SecondAttempt second;
  second.request.origin_sends(kNew);
  CHECK(second.request.has_ended());
  CHECK(second.request.client.taken().body == "new");
  CHECK(second.request.recorded() == 2);
}

TEST_CASE("a second attempt that fails is replaced by what is stored, as any attempt is") {
  SecondAttempt second;
  second.request.origin_sends(kFailed);
  CHECK(second.request.has_ended());
  CHECK(second.request.client.taken().body == "old");
}

TEST_CASE("a client that leaves during a second attempt ends it") {
  SecondAttempt second;
  second.request.client_leaves();
  CHECK(second.request.has_ended());
  CHECK(second.request.client.taken().responses == 0);
}

TEST_CASE("an upstream that closes its connection between two attempts is asked on another one") {
  SecondAttempt second;
  second.request.origin_finishes();
  REQUIRE(second.request.reached_the_origin() == 4);
  second.request.origin_sends(kNew);
  CHECK(second.request.client.taken().body == "new");
}

// ------------------------------------------------------------------------------------------------------ a fallback

TEST_CASE("a fallback's call ends with the request that it is for, also where no upstream has been asked so far") {
  const testing::ControlRig rig(
      "listen: 127.0.0.1:0\n"
      "log: {level: off}\n"
      "upstreams:\n"
      "  orders: {endpoints: [\"http://127.0.0.1:9000\"], timeouts: {total: 400ms}}\n"
      "  spare: {endpoints: [\"http://127.0.0.1:9001\"], timeouts: {total: 2s}}\n");
  const auto snapshot = rig.control.snapshot();
  proxy::DnsCache dns{proxy::resolve, [](const proxy::ResolvedName&) {}};
  proxy::WorkerCells cells;
  proxy::WorkerContext worker{0, cells, dns, [] {}};
  testing::ScriptedClient client;
  proxy::Event event;
  proxy::Inbound inbound{.client = client, .event = event, .session = {}};
  inbound.route = &snapshot->listeners.front()->routes.front();
  RequestContext context{.request = &inbound.request, .started = std::chrono::steady_clock::now()};
  proxy::CallRunner first(worker, inbound, context, *snapshot, *snapshot->upstream("orders"),
                          proxy::rules_of(*snapshot->upstream("orders")));
  Time ends = context.started + std::chrono::milliseconds(400);
  SUBCASE("it was rejected, and has no deadline yet") {}
  SUBCASE("its body has made progress, and its deadline has moved") {
    first.call.total_at = ends = context.started + std::chrono::milliseconds(700);
  }
  const proxy::CallRunner fallback(first, *snapshot->upstream("spare"));
  CHECK(fallback.call.total_at == ends);
}
