// SPDX-License-Identifier: Apache-2.0
#include "filters/balance/dial_pacer.hpp"

#include <doctest/doctest.h>

#include <vector>

using namespace fusewire;
using namespace std::chrono_literals;
using balance::DialPacer;

namespace {

struct Address {
  bool dial() {
    auto dial = pacer.begin(now);
    if (!dial) dial = pacer.begin_trial(now, 500ms);
    if (dial) begun.push_back(*dial);
    return dial.has_value();
  }
  // So many that want to dial, each `gap` after the one before: how many may.
  int dial(int count, Time::duration gap) {
    int granted = 0;
    for (; count > 0; --count, now += gap) granted += dial();
    return granted;
  }
  void answers_within(Time::duration took) {
    const auto dial = pacer.begin(now);
    pacer.connected(*dial, now += took);
  }
  // What has begun ends without an answer.
  void all_end() {
    for (const auto& dial : begun) pacer.unanswered(dial, now);
    begun.clear();
  }

  Time now{1000h};
  DialPacer pacer;
  std::vector<DialPacer::Dial> begun;
};

}  // namespace

TEST_CASE("dials to an address that has answered and is silent now are trials, further and further apart") {
  Address address;
  address.answers_within(1ms);
  // Four milliseconds of patience, then trials 0, 4, 36, 292 and 792 ms later.
  CHECK(address.dial(1290, 1ms) == 4 + 5);
}

TEST_CASE("that dials end unanswered makes no room for others") {
  Address address;
  address.answers_within(1ms);
  address.dial(1290, 1ms);
  address.all_end();
  CHECK(address.dial(500, 1ms) == 1);
}

TEST_CASE("one unanswered dial paces nobody, however long it takes") {
  Address address;
  address.answers_within(1ms);
  CHECK(address.dial());
  address.now += 10s;
  CHECK(address.dial());
}

TEST_CASE("an address that has never answered is not paced") {
  Address address;
  CHECK(address.dial(100, 10ms) == 100);
}

TEST_CASE("an address that takes long to answer is given time") {
  Address address;
  address.answers_within(100ms);
  CHECK(address.dial(400, 1ms) == 400);
  CHECK(address.dial(399, 1ms) == 1);
}

TEST_CASE("after an answer, by a connection or a refusal, all may dial") {
  for (const bool refused : {false, true}) {
    CAPTURE(refused);
    Address address;
    address.answers_within(1ms);
    address.dial(100, 1ms);
    REQUIRE(!address.dial());
    refused ? address.pacer.refused() : address.pacer.connected(address.begun.back(), address.now);
    CHECK(address.dial(5, 1ms) == 5);
  }
}

TEST_CASE("a dial that was begun before an answer says nothing when it ends behind it") {
  Address address;
  address.answers_within(1ms);
  const auto early = *address.pacer.begin(address.now);
  address.answers_within(1ms);
  address.pacer.unanswered(early, address.now);
  CHECK(address.dial(2, 10s) == 2);
}

TEST_CASE("dials that are given up before they could have been answered say nothing") {
  Address address;
  address.answers_within(1ms);
  for (int i = 0; i < 100; ++i, address.now += 100ms) {
    REQUIRE(address.dial());
    address.now += 1ms;
    address.all_end();
  }
}

TEST_CASE("trials are no further apart than is asked for") {
  Address address;
  address.answers_within(10ms);
  address.dial(2000, 1ms);
  REQUIRE(!address.pacer.begin(address.now));
  address.now += 1s;
  CHECK(address.pacer.begin_trial(address.now, 100ms));
  CHECK_FALSE(address.pacer.begin_trial(address.now + 99ms, 100ms));
  CHECK(address.pacer.begin_trial(address.now + 100ms, 0ms));
  CHECK_FALSE(address.pacer.begin_trial(address.now + 101ms, 0ms));
  CHECK(address.pacer.begin_trial(address.now + 102ms, 0ms));
}

TEST_CASE("a dial whose SYN was lost does not make the address one that takes long") {
  Address address;
  for (int i = 0; i < 20; ++i) address.answers_within(1ms);
  address.answers_within(1s);
  CHECK(address.dial(12, 1ms) < 12);
}

TEST_CASE("long after the last dial the next trial begins at once") {
  Address address;
  address.answers_within(1ms);
  address.dial(1000, 1ms);
  address.now += 500ms;
  CHECK(address.dial());
}
