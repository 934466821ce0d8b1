// SPDX-License-Identifier: Apache-2.0
// A kept connection that its upstream closes while a request that can't be sent twice is on its way: whose doing it is
// depends on whether the upstream has taken the request.
#include <doctest/doctest.h>

#include "tests/fuzz/exchange/stage.hpp"

using namespace fusewire;
using fuzz::Stage;
using fuzz::World;

namespace {

struct Kept {
  Kept() : world(World::of({.breaker = true})), stage(world, false) {
    world.upstream().breaker.reset(std::chrono::steady_clock::now());
    before = totals();
    stage.open_client();
    stage.client().send("GET / HTTP/1.1\r\nHost: h\r\n\r\n");
    stage.settle();
    stage.origin()->send("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n");
    stage.settle();
    stage.client().send("POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 3\r\n\r\npay");
  }
  ~Kept() {  // a session ends in a turn of the loop
    stage.client().close();
    proxy_moves();
  }
  breaker::Totals totals() { return world.upstream().breaker.snapshot(std::chrono::steady_clock::now()).totals; }
  // The proxy alone goes on: nobody reads at the other ends.
  void proxy_moves() {
    for (int turns = 0; turns < 4; ++turns) stage.context().loop().turn(Time{});
  }

  World& world;
  Stage stage;
  breaker::Totals before;
};

}  // namespace

TEST_CASE_FIXTURE(Kept, "a request that crosses the end of its upstream's keep-alive says nothing of the upstream") {
  proxy_moves();
  stage.origin()->finish();
  proxy_moves();
  CHECK(totals().neutral == before.neutral + 1);
  CHECK(totals().failure == before.failure);
  CHECK(world.upstream().breaker.state() == breaker::State::closed);
}

TEST_CASE_FIXTURE(Kept, "an upstream that has read a request and closes the kept connection has failed") {
  stage.settle();
  stage.origin()->finish();
  stage.settle();
  CHECK(totals().neutral == before.neutral);
  CHECK(totals().failure == before.failure + 1);
  CHECK(world.upstream().breaker.state() == breaker::State::open);
}
