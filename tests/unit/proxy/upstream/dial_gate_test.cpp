// SPDX-License-Identifier: Apache-2.0
// Dials that the test answers or lets wait, and the gate's trials to a real port. Time passes as the test says.
#include "proxy/upstream/dial_gate.hpp"

#include <doctest/doctest.h>
#include <unistd.h>

#include <algorithm>
#include <list>
#include <memory>
#include <vector>

#include "proxy/net/clock.hpp"
#include "tests/unit/proxy/net/few_descriptors.hpp"

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
  explicit Scene(bool listens = true) {
    if (listens) port.listen();
  }
  // The address has answered once, and is silent now: three dials wait.
  void fall_silent() {
    dial().connected(now());
    dial();
    dial();
    time_passes(600ms);  // of 1 s to connect
    for (int i = 0; i < 3; ++i) CHECK_FALSE(dial().is_granted());
  }
  DialGate::Pass& dial() {
    DialGate::Pass& pass = passes.emplace_back(gate, dials, 1s, loop, ear, now());
    if (pass.is_granted()) pass.begin(now());
    return pass;
  }
  int waiting() const {
    return static_cast<int>(std::count_if(passes.begin(), passes.end(), [](auto& pass) { return !pass.is_granted(); }));
  }
  auto first_waiting() {
    return std::find_if(passes.begin(), passes.end(), [](auto& pass) { return !pass.is_granted(); });
  }
  // What falls due meanwhile, and nothing else.
  void time_passes(milliseconds time) {
    passed += time;
    loop.deadlines().tick(now());
  }
  Time now() const { return begun + passed; }
  void turn() { loop.turn(Time{}); }
  void turn_until_nobody_waits() {
    for (int i = 0; i < 200 && waiting() > 0; ++i) loop.turn(steady_now() + 20ms);
    CHECK(waiting() == 0);
  }

  const Time begun = steady_now();
  Loop loop;
  Ear ear;
  Port port;
  AddressDials dials;
  DialGate gate{port.address()};
  std::list<DialGate::Pass> passes;
  milliseconds passed{0};
};

}  // namespace

TEST_CASE("an address that has never answered is not held back from, however long it takes") {
  Scene scene;
  for (int i = 0; i < 5; ++i) {
    CHECK(scene.dial().is_granted());
    scene.time_passes(510ms);
  }
}

TEST_CASE("one dial that is not answered makes no silence, nor do two that end before their time") {
  Scene scene;
  scene.dial().connected(scene.now());
  scene.dial();
  scene.time_passes(600ms);
  CHECK(scene.dial().is_granted());
  scene.passes.pop_back();
  CHECK(scene.dial().is_granted());
  scene.passes.pop_back();
  scene.time_passes(600ms);
  CHECK(scene.dial().is_granted());
}

TEST_CASE("dials to a silent address wait, and go on in a later turn when one that was begun before is answered") {
  Scene scene;
  scene.fall_silent();
  scene.passes.front().connected(scene.now());
  CHECK(scene.waiting() == 1);
  CHECK(scene.ear.heard == 0);
  scene.turn();
  CHECK(scene.ear.heard == 2);
  scene.time_passes(10ms);
  CHECK(scene.waiting() == 0);
}

TEST_CASE("a trial that is answered is the connection of the first that is late, and the others begin or go on") {
  Scene scene;
  scene.fall_silent();
  scene.time_passes(510ms);
  scene.turn_until_nobody_waits();
  const auto late = std::next(scene.passes.begin(), 1);
  const auto next_late = std::next(late);
  CHECK(late->takes_new_connector());
  CHECK(next_late->takes_new_connector());
  CHECK((late->take_connector() != nullptr) != (next_late->take_connector() != nullptr));
  for (auto pass = std::next(next_late); pass != scene.passes.end(); ++pass) CHECK_FALSE(pass->take_connector());
}

TEST_CASE("where none is late a trial that is answered is the connection of the first that waits") {
  Scene scene;
  scene.fall_silent();
  scene.passes.erase(std::next(scene.passes.begin(), 1));
  scene.passes.erase(std::next(scene.passes.begin(), 1));
  const auto first = scene.first_waiting();
  scene.time_passes(510ms);
  scene.turn_until_nobody_waits();
  CHECK(first->take_connector());
  CHECK_FALSE(std::next(first)->take_connector());
}

TEST_CASE("one dial that has lost its SYN makes no silence, and has the connection of a trial soon") {
  Scene scene;
  scene.dial().connected(scene.now());
  DialGate::Pass& lost = scene.dial();
  scene.time_passes(10ms);
  CHECK_FALSE(lost.takes_new_connector());
  for (int i = 0; i < 4; ++i) scene.time_passes(20ms);
  for (int i = 0; i < 5; ++i) scene.turn();
  CHECK(lost.takes_new_connector());
  CHECK(lost.take_connector());
}

TEST_CASE("a trial that is refused lets all go on, each to its own refusal") {
  Scene scene(false);
  scene.fall_silent();
  scene.time_passes(510ms);
  scene.turn_until_nobody_waits();
  for (auto& pass : scene.passes) CHECK_FALSE(pass.take_connector());
}

TEST_CASE("what another worker finds out is noticed a moment later") {
  Scene scene;
  scene.fall_silent();
  scene.dials.open(scene.now() + 1ms);
  CHECK(scene.waiting() == 3);
  scene.time_passes(25ms);
  CHECK(scene.waiting() == 0);
}

TEST_CASE(
    "of all workers one makes the trial; the next one comes soon, then less often, and after an answer soon again") {
  AddressDials dials;
  const Time begun = steady_now();
  std::vector<milliseconds> made;
  const auto run = [&](milliseconds from, milliseconds until) {
    for (milliseconds at = from; at < until; at += 1ms)
      if (dials.take_trial(begun + at, 500ms)) made.push_back(at - from);
  };
  run(0ms, 1500ms);
  CHECK(made == std::vector<milliseconds>{0ms, 20ms, 100ms, 420ms, 920ms, 1420ms});
  made.clear();
  dials.note_answer(begun, begun + 1500ms);
  run(1500ms, 1600ms);
  CHECK(made == std::vector<milliseconds>{20ms, 40ms});
}

TEST_CASE("what an answer usually takes follows quick ones sooner than slow ones") {
  AddressDials dials;
  const Time now = steady_now();
  CHECK_FALSE(dials.usual());
  dials.note_connected(now - 8ms, now);
  CHECK(dials.usual() == 8ms);
  dials.note_connected(now - 16ms, now);
  CHECK(dials.usual() == 9ms);
  dials.note_connected(now - 1ms, now);
  CHECK(dials.usual() == 7ms);
}

TEST_CASE("a trial that fails for want of a descriptor keeps nobody waiting") {
  Scene scene;
  scene.fall_silent();
  {
    const testing::FewDescriptors none(0);
    scene.time_passes(510ms);
  }
  CHECK(scene.waiting() == 0);
  for (auto& pass : scene.passes) CHECK_FALSE(pass.take_connector());
}

TEST_CASE("a trial goes on when those who waited have left, and the next dial does not wait") {
  Scene scene;
  scene.fall_silent();
  scene.time_passes(510ms);
  scene.passes.clear();
  CHECK_FALSE(scene.dial().is_granted());
  scene.passes.clear();
  for (int i = 0; i < 20; ++i) scene.turn();
  CHECK(scene.dial().is_granted());
  CHECK(scene.ear.heard == 0);
}

TEST_CASE("the first of those that wait may leave: the others wait on") {
  Scene scene;
  scene.fall_silent();
  scene.passes.erase(scene.first_waiting());
  CHECK(scene.waiting() == 2);
  scene.time_passes(510ms);
  scene.turn_until_nobody_waits();
}

TEST_CASE("each that is answered lets two more go on, and one that leaves lets nobody") {
  Scene scene;
  scene.fall_silent();
  for (int i = 0; i < 7; ++i) scene.dial();
  scene.passes.front().connected(scene.now());
  CHECK(scene.waiting() == 10 - 2);
  const auto granted = std::next(scene.passes.begin(), 3);
  granted->begin(scene.now());
  granted->connected(scene.now());
  CHECK(scene.waiting() == 10 - 2);  // the two that made the silence begin again
  std::next(granted)->begin(scene.now());
  std::next(granted)->connected(scene.now());
  CHECK(scene.waiting() == 10 - 4);
  scene.passes.erase(scene.first_waiting());
  CHECK(scene.waiting() == 5);
}

TEST_CASE("a network that refuses lets those go on that wait here, and is no answer of the address") {
  Scene scene;
  scene.fall_silent();
  const auto usual = scene.dials.usual();
  scene.passes.front().refused(Outcome::connect_unreachable, scene.now());
  CHECK(scene.waiting() == 1);
  CHECK(scene.dials.usual() == usual);
  CHECK_FALSE(scene.dials.has_answered_since(scene.begun + 1ms));
}

TEST_CASE("two dials without an answer make no silence where another worker had one in between") {
  Scene scene;
  scene.dial().connected(scene.now());
  scene.dial();
  scene.time_passes(600ms);
  scene.dials.open(scene.now() + 1ms);
  scene.dial();
  scene.time_passes(600ms);
  CHECK(scene.dial().is_granted());
}

TEST_CASE("a dial that is late begins again when one that was begun after it is answered, and has twice the time") {
  Scene scene;
  scene.dial().connected(scene.now());
  DialGate::Pass& lost = scene.dial();
  scene.time_passes(10ms);
  DialGate::Pass& next = scene.dial();
  CHECK_FALSE(lost.takes_new_connector());
  next.connected(scene.now());
  scene.turn();
  CHECK(scene.ear.heard == 1);
  CHECK(lost.takes_new_connector());
  CHECK_FALSE(lost.takes_new_connector());
  lost.begin(scene.now());
  scene.time_passes(7ms);  // 5 ms are over, 10 are not
  scene.dial().connected(scene.now());
  scene.turn();
  CHECK_FALSE(lost.takes_new_connector());
  scene.time_passes(7ms);
  scene.dial().connected(scene.now());
  CHECK(lost.takes_new_connector());
}

TEST_CASE("a dial that is late does not begin again when one that was begun before it is answered") {
  Scene scene;
  scene.dial().connected(scene.now());
  DialGate::Pass& slow = scene.dial();
  scene.time_passes(1ms);
  DialGate::Pass& after = scene.dial();
  scene.time_passes(10ms);
  slow.connected(scene.now());
  scene.time_passes(30ms);
  CHECK_FALSE(after.takes_new_connector());
}

TEST_CASE("more wait than go on at once: the next ones go on a moment later, and no newcomer before them") {
  Scene scene;
  scene.fall_silent();
  scene.dials.note_connected(scene.begun - 100ms, scene.begun);  // so that those that go on are not late at once
  for (int i = 0; i < 7; ++i) scene.dial();
  scene.passes.front().connected(scene.now());
  CHECK(scene.waiting() == 10 - 2);
  CHECK_FALSE(scene.dial().is_granted());
  scene.time_passes(10ms);
  CHECK(scene.waiting() == 11 - 6);
}

TEST_CASE("while the silence lasts there is a trial now and then, and never more than a few at once") {
  Scene scene;
  scene.fall_silent();
  const auto open = [] {
    const int next = ::dup(0);
    ::close(next);
    return next;
  };
  const int before = open();
  // The loop does not turn: no trial hears of its answer.
  int most = 0;
  for (int i = 0; i < 20; ++i) {
    scene.time_passes(300ms);
    most = std::max(most, open() - before);
  }
  CHECK(scene.waiting() == 3);
  CHECK(most >= 1);
  CHECK(most <= 4);
}

TEST_CASE("a gate may end with its trials under way, and a dial that has been let go before it has heard of it") {
  auto scene = std::make_unique<Scene>();
  scene->fall_silent();
  scene->time_passes(510ms);
  scene->passes.front().connected(scene->now());
  scene->passes.clear();
  scene->turn();
  CHECK(scene->ear.heard == 0);
  scene.reset();
}
