// SPDX-License-Identifier: Apache-2.0
#include "proxy/request/request_runner.hpp"

#include <doctest/doctest.h>

#include <string>
#include <string_view>
#include <vector>

#include "filters/breaker/classify.hpp"
#include "tests/unit/proxy/request/driven_request.hpp"

using namespace fusewire;
using proxy::ClientStream;
using testing::Driven;
using testing::Setup;
using testing::World;
using namespace std::chrono_literals;

namespace {

// Its breaker admits one trial. (Time is an argument: the open interval has passed for a call that gives its trial
// back.)
void half_open(World& world) {
  breaker::Breaker& breaker = world.upstream().breaker;
  const Time now = std::chrono::steady_clock::now();
  breaker.reset(now);
  { std::get<breaker::Permit>(breaker.try_acquire(now)).failure(breaker::FailureKind::reset, now); }
  { const auto trial = breaker.try_acquire(now + 1h); }
  REQUIRE(breaker.state() == breaker::State::half_open);
}

constexpr std::string_view kGet = "GET /a HTTP/1.1\r\nHost: h\r\n\r\n";
constexpr std::string_view kPostHead = "POST /a HTTP/1.1\r\nHost: h\r\nContent-Length: 5\r\n\r\n";

}  // namespace

// ------------------------------------------------------------------------------------------------------ own answers

TEST_CASE("a request without a route is answered 404, recorded, and its client may ask again") {
  Driven request;
  proxy::Listener empty;
  empty.config = request.listener->config;
  empty.unrouted_cells = request.listener->unrouted_cells;
  const std::vector<config::Route> none;
  empty.router = proxy::Router(none);
  request.listener = &empty;
  request.comes(kGet);
  CHECK(request.has_ended());
  CHECK(request.client.taken().status == 404);
  CHECK(request.client.taken().whole);
  CHECK(request.client.taken().body.find("NoRoute") != std::string::npos);
  CHECK_FALSE(request.client.taken().is_last);
  CHECK(request.recorded() == 1);
}

TEST_CASE("a request to a listener that has been removed is answered 404") {
  Driven request;
  request.listener = nullptr;
  request.comes(kGet);
  CHECK(request.client.taken().status == 404);
  CHECK(request.has_ended());
}

TEST_CASE("a request whose declared body is too large is answered 413 before anything is asked") {
  Driven request({.small_body = true});
  request.comes("POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 101\r\n\r\n");
  CHECK(request.client.taken().status == 413);
  CHECK(request.client.taken().is_last);
  CHECK(request.reached_the_origin() == 0);
}

TEST_CASE("a request that has passed through this proxy before is answered as a loop") {
  Driven request;
  request.comes("GET / HTTP/1.1\r\nHost: h\r\nVia: 1.1 fuzzed\r\n\r\n");
  CHECK(request.client.taken().status == 502);
  CHECK(request.client.taken().body.find("LoopDetected") != std::string::npos);
  CHECK(request.reached_the_origin() == 0);
}

TEST_CASE("OPTIONS that may go no further is answered by the proxy") {
  Driven request;
  request.comes("OPTIONS * HTTP/1.1\r\nHost: h\r\nMax-Forwards: 0\r\n\r\n");
  CHECK(request.client.taken().status == 200);
  CHECK(request.client.taken().fields.find("Allow: GET, HEAD") != std::string::npos);
  CHECK(request.client.taken().body.empty());
  CHECK(request.reached_the_origin() == 0);
}

TEST_CASE("the answer to HEAD has no body") {
  Driven request;
  request.listener = nullptr;
  request.comes("HEAD / HTTP/1.1\r\nHost: h\r\n\r\n");
  CHECK(request.client.taken().status == 404);
  CHECK(request.client.taken().body.empty());
}

// ------------------------------------------------------------------------------------------------------ a response

TEST_CASE("a response is relayed piece by piece, as it comes") {
  Driven request;
  request.comes(kGet);
  CHECK(request.client.taken().responses == 0);
  request.origin_sends("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nA: b\r\n\r\n3\r\nabc\r\n");
  CHECK(request.client.taken().status == 200);
  CHECK(request.client.taken().fields.find("A: b\r\n") != std::string::npos);
  CHECK(request.client.taken().body == "abc");
  CHECK_FALSE(request.client.taken().whole);
  request.origin_sends("2\r\nde\r\n0\r\n\r\n");
  CHECK(request.client.taken().body == "abcde");
  CHECK(request.client.taken().whole);
  CHECK(request.client.taken().responses == 1);
  CHECK(request.has_ended());
  CHECK(request.recorded() == 1);
}

TEST_CASE("a response that has come as a whole is one part") {
  Driven request;
  request.comes(kGet);
  request.origin_sends("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello");
  CHECK(request.client.taken().pieces == std::vector<std::size_t>{5});
  CHECK(request.client.taken().whole);
  CHECK_FALSE(request.client.taken().is_last);
  CHECK(request.has_ended());
}

TEST_CASE("an upstream that fails before its response is whole has the response broken off") {
  Driven request;
  request.comes(kGet);
  request.origin_sends("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhel");
  request.origin_finishes();
  CHECK(request.client.taken().body == "hel");
  CHECK_FALSE(request.client.taken().whole);
  CHECK(request.client.taken().broken_off);
  CHECK(request.has_ended());
  CHECK(request.recorded() == 1);
}

TEST_CASE("an upstream that fails before its response begins is answered for") {
  Driven request;
  request.comes(kGet);
  request.origin_finishes();
  CHECK(request.client.taken().status == 502);
  CHECK(request.client.taken().whole);
  CHECK_FALSE(request.client.taken().broken_off);
  CHECK(request.has_ended());
}

// ------------------------------------------------------------------------------------------------------ the client

TEST_CASE("a client that is late with its request's body is answered 408 and may not ask again") {
  Driven request;
  request.client.body = ClientStream::BodyRead::late;
  request.comes(kPostHead);
  CHECK(request.client.taken().status == 408);
  CHECK(request.client.taken().is_last);
  CHECK(request.has_ended());
  CHECK(request.recorded() == 1);
}

TEST_CASE("a client whose body turns out too large is answered 413") {
  Driven request;
  request.client.body = ClientStream::BodyRead::too_large;
  request.comes(kPostHead);
  CHECK(request.client.taken().status == 413);
  CHECK(request.has_ended());
}

TEST_CASE("a client that leaves before the response gets none, and its upstream's connection is closed") {
  Driven request;
  request.comes(kGet);
  REQUIRE(request.reached_the_origin() == 1);
  request.client_leaves();
  CHECK(request.has_ended());
  CHECK(request.client.taken().responses == 0);
  CHECK(request.client.taken().broken_off);
  CHECK(request.stage.connections().front().ended);
  CHECK(request.recorded() == 1);
}

TEST_CASE("a client that leaves in the middle of its response ends the request") {
  Driven request;
  request.comes(kGet);
  request.origin_sends("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhel");
  request.client_leaves();
  CHECK(request.has_ended());
  CHECK_FALSE(request.client.taken().whole);
  CHECK(request.stage.connections().front().ended);
}

TEST_CASE("a client that takes its response slowly is waited for, and so is nobody asked for more meanwhile") {
  Driven request;
  request.comes(kGet);
  request.client.stall();
  request.origin_sends("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhel");
  CHECK(request.client.stalls() == 1);
  request.origin_sends("lo");
  CHECK(request.client.taken().body == "hel");
  CHECK_FALSE(request.has_ended());
  request.client_takes_again();
  CHECK(request.client.taken().body == "hello");
  CHECK(request.client.taken().whole);
  CHECK(request.client.stalls() == 1);
  CHECK(request.has_ended());
}

TEST_CASE("a client that leaves while it is waited for ends the request") {
  Driven request;
  request.comes(kGet);
  request.client.stall();
  request.origin_sends("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhel");
  REQUIRE_FALSE(request.has_ended());
  request.client_leaves();
  CHECK(request.has_ended());
  CHECK_FALSE(request.client.taken().whole);
}

TEST_CASE("the proxy's own answer waits for a slow client, too") {
  Driven request;
  request.listener = nullptr;
  request.client.stall();
  request.comes(kGet);
  CHECK(request.client.stalls() == 1);
  CHECK_FALSE(request.has_ended());
  request.client_takes_again();
  CHECK(request.has_ended());
  CHECK(request.client.taken().status == 404);
}

// ------------------------------------------------------------------------------------------------------ the process

TEST_CASE("a request that is cut off by the process' end gets no answer") {
  Driven request;
  request.comes(kGet);
  request.process_stops();
  CHECK(request.has_ended());
  CHECK(request.client.taken().responses == 0);
  CHECK(request.client.taken().broken_off);
}

TEST_CASE("a half-open trial is recorded when its client leaves, and goes on without it") {
  World& world = World::of({.breaker = true});
  half_open(world);
  Driven request({.breaker = true});
  request.comes(kGet);
  REQUIRE(request.reached_the_origin() == 1);
  request.client_leaves();
  CHECK_FALSE(request.has_ended());
  CHECK(request.client.taken().no_more);
  CHECK(request.recorded() == 1);
  request.origin_sends("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n");
  CHECK(request.has_ended());
  CHECK(request.recorded() == 1);
  CHECK(world.upstream().breaker.state() == breaker::State::closed);
}
