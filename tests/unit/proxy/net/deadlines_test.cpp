// SPDX-License-Identifier: Apache-2.0
// Deadlines over a real loop. Bounds are generous: a busy machine is late, but nothing may ever be early.
#include "proxy/net/deadlines.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <memory>
#include <vector>

#include "proxy/net/loop.hpp"

using namespace fusewire;
using namespace fusewire::proxy;
using namespace std::chrono_literals;

namespace {

Time now() { return std::chrono::steady_clock::now(); }

constexpr auto kGenerous = 1500ms;  // far above a slot (3 ms), far below a turn of the wheel (12 s)

struct Rig {
  Loop loop;
  DeadlineWheel& wheel = loop.deadlines();
  // Until nothing is armed, or for as long as a test may last.
  void run(std::chrono::milliseconds limit = 5s) {
    const Time until = now() + limit;
    while (wheel.next() != kNever && now() < until) loop.turn(until);
  }
};

}  // namespace

TEST_CASE("a deadline falls due once, never early and not much late") {
  Rig rig;
  int fired = 0;
  Time at{};
  Deadline deadline(rig.wheel, [&] { ++fired, at = now(); });
  const Time due = now() + 55ms;
  deadline.arm(due);
  CHECK(deadline.due() == due);
  rig.run();
  CHECK(fired == 1);
  CHECK(at >= due);
  CHECK(at < due + kGenerous);
  CHECK(deadline.due() == kNever);
}

TEST_CASE("a deadline in the past falls due from the loop, not from arm()") {
  Rig rig;
  int fired = 0;
  Deadline deadline(rig.wheel, [&] { ++fired; });
  deadline.arm(now() - 1h);
  CHECK(fired == 0);
  rig.run();
  CHECK(fired == 1);
}

TEST_CASE("many deadlines fall due each in its time, in whatever order they were armed") {
  Rig rig;
  const Time start = now();
  std::vector<std::unique_ptr<Deadline>> deadlines;
  int fired = 0;
  int early = 0;
  for (int i = 0; i < 200; ++i) {
    const Time due = start + std::chrono::milliseconds(i * 37 % 200);
    deadlines.push_back(std::make_unique<Deadline>(rig.wheel, [&, due] {
      ++fired;
      if (now() < due) ++early;
    }));
    deadlines.back()->arm(due);
  }
  rig.run();
  CHECK(fired == 200);
  CHECK(early == 0);
}

TEST_CASE("a deadline that is moved later falls due at its last time only") {
  Rig rig;
  int fired = 0;
  Time at{};
  Deadline deadline(rig.wheel, [&] { ++fired, at = now(); });
  const Time due = now() + 120ms;
  deadline.arm(now() + 20ms);
  deadline.arm(now() + 60ms);
  deadline.arm(due);
  rig.run();
  CHECK(fired == 1);
  CHECK(at >= due);
  CHECK(at < due + kGenerous);
}

TEST_CASE("a deadline that is moved earlier falls due at the earlier time") {
  Rig rig;
  int fired = 0;
  Deadline deadline(rig.wheel, [&] { ++fired; });
  deadline.arm(now() + 1h);
  deadline.arm(now() + 10s);
  const Time due = now() + 40ms;
  deadline.arm(due);
  rig.run();
  CHECK(fired == 1);
  CHECK(now() >= due);
  CHECK(now() < due + kGenerous);
}

TEST_CASE("a deadline that is disarmed or destroyed does not fall due") {
  Rig rig;
  int fired = 0;
  Deadline disarmed(rig.wheel, [&] { ++fired; });
  auto destroyed = std::make_unique<Deadline>(rig.wheel, [&] { ++fired; });
  Deadline never(rig.wheel, [&] { ++fired; });
  disarmed.arm(now() + 20ms);
  destroyed->arm(now() + 20ms);
  never.arm(kNever);
  disarmed.disarm();
  destroyed.reset();
  rig.run();
  CHECK(fired == 0);
}

TEST_CASE("a deadline may arm itself again, disarm or destroy any other, and destroy itself") {
  Rig rig;
  int turns = 0;
  int fired = 0;
  const Time due = now() + 20ms;
  std::unique_ptr<Deadline> periodic;
  periodic = std::make_unique<Deadline>(rig.wheel, [&] {
    if (++turns < 3) return periodic->arm(now() + 5ms);
    periodic.reset();
  });
  periodic->arm(due);
  // Of one slot: whichever comes first destroys the other, which is next in the slot's list.
  std::unique_ptr<Deadline> one;
  std::unique_ptr<Deadline> other;
  one = std::make_unique<Deadline>(rig.wheel, [&] { ++fired, other.reset(); });
  other = std::make_unique<Deadline>(rig.wheel, [&] { ++fired, one.reset(); });
  one->arm(due);
  other->arm(due);
  rig.run();
  CHECK(turns == 3);
  CHECK(periodic == nullptr);
  CHECK(fired == 1);
}

TEST_CASE("a wheel that stood still for more than a turn is on time again at once") {
  // Whatever part of a turn the stand-still ends with, a deadline must not wait for the rest of it.
  for (const auto idle : {21s, 25s, 30s, 35s, 40s, 3600s}) {
    CAPTURE(idle.count());
    DeadlineWheel wheel(now() - idle);
    Time at{};
    Deadline deadline(wheel, [&] { at = now(); });
    Deadline moved(wheel, [] {});
    moved.arm(now() + 1h);
    const Time due = now() + 60ms;
    deadline.arm(due);
    while (at == Time{} && now() < due + kGenerous) wheel.tick(now());
    CHECK(at >= due);
    CHECK(at < due + kGenerous);
  }
}

TEST_CASE("deadlines fall due within 3 ms of their times, none of them early") {
  const Time start{std::chrono::hours(1)};
  DeadlineWheel wheel(start);
  Time clock = start;
  std::vector<std::unique_ptr<Deadline>> deadlines;
  std::vector<std::chrono::nanoseconds> late;
  for (int i = 0; i < 500; ++i) {
    const Time due = start + i * 7919us;
    deadlines.push_back(std::make_unique<Deadline>(wheel, [&, due] { late.push_back(clock - due); }));
    deadlines.back()->arm(due);
  }
  // As the loop does: it looks when the wheel says so.
  while (wheel.next() != kNever) {
    clock = std::max(clock, wheel.next());
    wheel.tick(clock);
  }
  REQUIRE(late.size() == deadlines.size());
  CHECK(*std::min_element(late.begin(), late.end()) >= 0ns);
  CHECK(*std::max_element(late.begin(), late.end()) < 3ms);
}

TEST_CASE("the wheel finds the next deadline wherever it lies in its turn, and beyond it") {
  const Time start{std::chrono::hours(1)};
  for (const std::chrono::milliseconds ahead : {0ms, 3ms, 250ms, 257ms, 4000ms, 12000ms, 13000ms, 60000ms, 3600000ms}) {
    CAPTURE(ahead.count());
    DeadlineWheel wheel(start);
    Time clock = start;
    bool fired = false;
    Deadline deadline(wheel, [&] { fired = true; });
    deadline.arm(start + ahead);
    while (!fired && wheel.next() != kNever) {
      clock = std::max(clock, wheel.next());
      wheel.tick(clock);
    }
    CHECK(fired);
    CHECK(clock >= start + ahead);
    CHECK(clock < start + ahead + 3ms);
    CHECK(wheel.next() == kNever);
  }
}
