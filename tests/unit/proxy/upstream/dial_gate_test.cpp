// SPDX-License-Identifier: Apache-2.0
// Dials in a time of their own, an hour ago, and the gate's trials to a real port. What the gate does by itself it does
// now, when every pause is over.
#include "proxy/upstream/dial_gate.hpp"

#include <doctest/doctest.h>
#include <unistd.h>

#include <algorithm>
#include <list>
#include <memory>

using namespace fusewire;
using namespace fusewire::proxy;
using namespace std::chrono_literals;

namespace {

struct Ear final : Watcher {
  void on_activity() override { ++heard; }
  int heard = 0;
};

// Answers while it listens, refuses else.
class Port {
 public:
  Port() {
    REQUIRE(::bind(listener_, address_.data(), static_cast<socklen_t>(address_.size())) == 0);
    socklen_t size = sizeof(sockaddr_in);
    REQUIRE(::getsockname(listener_, address_.data(), &size) == 0);
  }
  ~Port() { ::close(listener_); }
  void listen() const { REQUIRE(::listen(listener_, 16) == 0); }
  const SocketAddress& address() const { return address_; }

 private:
  int listener_ = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  SocketAddress address_{boost::asio::ip::tcp::endpoint(boost::asio::ip::address_v4::loopback(), 0)};
};

struct Scene {
  // The address has answered once, and is silent now: three dials wait.
  explicit Scene(bool listens = true) {
    if (listens) port.listen();
    DialGate::Pass(gate, pacer, 1s, loop, ear, now).connected(now);
    while (dial()) now += 1ms;
    dial();
    dial();
  }
  bool dial() { return passes.emplace_back(gate, pacer, 1s, loop, ear, now).is_granted(); }
  int waiting() const {
    return static_cast<int>(std::count_if(passes.begin(), passes.end(), [](auto& pass) { return !pass.is_granted(); }));
  }
  auto first_waiting() {
    return std::find_if(passes.begin(), passes.end(), [](auto& pass) { return !pass.is_granted(); });
  }
  void turn() { loop.turn(std::chrono::steady_clock::now()); }
  void turn_until(int heard) {
    for (int i = 0; i < 100 && ear.heard < heard; ++i) loop.turn(std::chrono::steady_clock::now() + 20ms);
  }

  Time now = std::chrono::steady_clock::now() - 1h;
  Loop loop;
  Ear ear;
  Port port;
  balance::DialPacer pacer;
  DialGate gate{port.address()};
  std::list<DialGate::Pass> passes;
};

}  // namespace

TEST_CASE("dials that may not begin wait, and go on when one that was begun before is answered, in a later turn") {
  for (const bool by_refusal : {false, true}) {
    CAPTURE(by_refusal);
    Scene scene;
    REQUIRE(scene.waiting() == 3);
    by_refusal ? scene.passes.front().refused(scene.now) : scene.passes.front().connected(scene.now);
    CHECK(scene.waiting() == 0);
    CHECK(scene.ear.heard == 0);
    scene.turn();
    CHECK(scene.ear.heard == 3);
  }
}

TEST_CASE("a trial that is answered is the connection of the first that waits, and the others go on") {
  Scene scene;
  const auto first = scene.first_waiting();
  scene.turn_until(3);
  CHECK(scene.waiting() == 0);
  CHECK(scene.ear.heard == 3);
  CHECK(first->take_connector());
  CHECK_FALSE(std::next(first)->take_connector());
}

TEST_CASE("a trial that is refused lets all go on, each to its own refusal") {
  Scene scene(false);
  scene.turn_until(3);
  CHECK(scene.waiting() == 0);
  for (auto& pass : scene.passes) CHECK_FALSE(pass.take_connector());
}

TEST_CASE("what another worker finds out is noticed a moment later") {
  Scene scene;
  scene.pacer.refused();
  CHECK(scene.waiting() == 3);
  scene.loop.deadlines().tick(std::chrono::steady_clock::now() + 20ms);
  CHECK(scene.waiting() == 0);
}

TEST_CASE("a trial goes on when those who waited have left, and the next dial finds what it has found") {
  Scene scene;
  scene.passes.clear();
  REQUIRE_FALSE(scene.pacer.begin(std::chrono::steady_clock::now()));
  for (int i = 0; i < 100 && !scene.pacer.begin(std::chrono::steady_clock::now()); ++i)
    scene.loop.turn(std::chrono::steady_clock::now() + 20ms);
  CHECK(scene.dial());
  CHECK(scene.ear.heard == 0);
}

TEST_CASE("one that leaves while it waits is forgotten, and the others wait on") {
  Scene scene;
  scene.passes.erase(scene.first_waiting());
  CHECK(scene.waiting() == 2);
  scene.turn_until(2);
  CHECK(scene.waiting() == 0);
  CHECK(scene.ear.heard == 2);
}

TEST_CASE("more wait than go on at once: each that is answered lets some of them go") {
  Scene scene;
  for (int i = 0; i < 20; ++i) scene.dial();
  scene.passes.front().refused(scene.now);
  CHECK(scene.waiting() == 23 - 8);
  auto next =
      std::find_if(std::next(scene.passes.begin()), scene.passes.end(), [](auto& pass) { return pass.is_granted(); });
  next->refused(scene.now);
  CHECK(scene.waiting() == 23 - 16);
  scene.turn_until(23);
  CHECK(scene.waiting() == 0);
}

TEST_CASE("a trial has all the time that a dial has, however many begin behind it") {
  Scene scene;
  for (int i = 0; i < 3; ++i, scene.now += 500ms) scene.dial();
  CHECK(scene.waiting() == 6);
  scene.turn_until(6);
  CHECK(scene.waiting() == 0);
}

TEST_CASE("a gate may end with its trials under way, and a dial that has been let go before it has heard of it") {
  auto scene = std::make_unique<Scene>();
  scene->passes.front().refused(scene->now);
  scene->passes.clear();
  scene->turn();
  CHECK(scene->ear.heard == 0);
  while (scene->dial()) scene->now += 1ms;
  scene.reset();
}
