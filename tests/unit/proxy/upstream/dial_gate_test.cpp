// SPDX-License-Identifier: Apache-2.0
// In a time of its own, an hour ago: what a gate does by itself it does now, when every pause is over.
#include "proxy/upstream/dial_gate.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <list>

using namespace fusewire;
using namespace fusewire::proxy;
using namespace std::chrono_literals;

namespace {

struct Ear final : Watcher {
  void on_activity() override { ++heard; }
  int heard = 0;
};

struct Scene {
  // The address has answered once, and is silent now.
  Scene() {
    DialGate::Pass(gate, pacer, loop, ear, now).connected(now);
    while (dial()) now += 1ms;
    dial();
    dial();
    waited = waiting();
  }
  bool dial() { return passes.emplace_back(gate, pacer, loop, ear, now).is_granted(); }
  int waiting() const {
    return static_cast<int>(std::count_if(passes.begin(), passes.end(), [](auto& pass) { return !pass.is_granted(); }));
  }
  auto first_waiting() {
    return std::find_if(passes.begin(), passes.end(), [](auto& pass) { return !pass.is_granted(); });
  }
  void turn() { loop.turn(std::chrono::steady_clock::now()); }

  Time now = std::chrono::steady_clock::now() - 1h;
  Loop loop;
  Ear ear;
  balance::DialPacer pacer;
  DialGate gate;
  std::list<DialGate::Pass> passes;
  int waited = 0;
};

}  // namespace

TEST_CASE("dials that may not begin wait, and go on with the first answer, in a later turn") {
  for (const bool by_refusal : {false, true}) {
    CAPTURE(by_refusal);
    Scene scene;
    REQUIRE(scene.waited == 3);
    by_refusal ? scene.passes.front().refused(scene.now) : scene.passes.front().connected(scene.now);
    CHECK(scene.waiting() == 0);
    CHECK(scene.ear.heard == 0);
    scene.turn();
    CHECK(scene.ear.heard == 3);
  }
}

TEST_CASE("a dial that comes while others wait waits behind them") {
  Scene scene;
  scene.now += 1h - 1min;  // time for a trial
  CHECK_FALSE(scene.dial());
  CHECK(scene.waiting() == 3);
  CHECK(scene.first_waiting() == std::prev(scene.passes.end(), 3));
}

TEST_CASE("what another worker finds out is noticed a moment later") {
  Scene scene;
  scene.pacer.refused();
  CHECK(scene.waiting() == 3);
  scene.loop.deadlines().tick(std::chrono::steady_clock::now() + 20ms);
  CHECK(scene.waiting() == 0);
}

TEST_CASE("one that leaves while it waits is forgotten, and the next one waits on") {
  Scene scene;
  scene.passes.erase(scene.first_waiting());  // by the clock it is time for one trial
  CHECK(scene.waiting() == 1);
  scene.pacer.refused();
  scene.loop.deadlines().tick(std::chrono::steady_clock::now() + 20ms);
  CHECK(scene.waiting() == 0);
}

TEST_CASE("dials that end, granted or not, leave no place taken") {
  Scene scene;
  scene.passes.clear();
  scene.turn();
  scene.now = std::chrono::steady_clock::now() + 1s;
  CHECK(scene.dial());
  CHECK(scene.ear.heard == 0);
}
