// SPDX-License-Identifier: Apache-2.0
#include <doctest/doctest.h>

#include "filters/breaker/core/sliding_window.hpp"

namespace fusewire::breaker {
namespace {

using namespace std::chrono_literals;

config::Window over(milliseconds duration) { return {.type = config::WindowType::time_based, .duration = duration}; }
config::Window last(std::uint32_t calls) {
  return {.type = config::WindowType::count_based, .duration = {}, .size = calls};
}

TEST_CASE("a call counts while its bucket is less than 30 buckets old") {
  SlidingWindow window(over(60s));
  window.add_ended(window.at(0, 1999), true);  // bucket 0, of 2 s
  window.add_ended(window.at(0, 2000), false);
  CHECK(window.ended(window.at(0, 59'999)).total == 2);
  CHECK(window.ended(window.at(0, 60'000)).total == 1);  // bucket 30
  CHECK(window.ended(window.at(0, 60'000)).marked == 0);
  CHECK(window.ended(window.at(0, 61'999)).total == 1);
  CHECK(window.ended(window.at(0, 62'000)).total == 0);
}

TEST_CASE("buckets are cut in integers where the duration does not divide by 30") {
  SlidingWindow window(over(100ms));
  for (Millis t = 0; t < 300; ++t) {
    window.add_ended(window.at(0, t), false);
    std::uint64_t expected = 0;
    for (Millis earlier = 0; earlier <= t; ++earlier)
      if (30 * t / 100 - 30 * earlier / 100 < 30) ++expected;
    CAPTURE(t);
    CHECK(window.ended(window.at(0, t)).total == expected);
  }
}

TEST_CASE("an idle gap of any length leaves the window empty") {
  for (const Millis gap :
       {60'000LL, 60'001LL, 3'600'000LL, 60'000LL * (1 << 20), 60'000LL * (1 << 22) + 1, 31'536'000'000LL * 20}) {
    SlidingWindow window(over(60s));
    for (Millis t = 0; t < 60'000; t += 500) window.add_ended(window.at(0, t), true);
    const Millis later = 59'500 + gap;
    CAPTURE(gap);
    CHECK(window.ended(window.at(0, later)).total == 0);
    window.add_ended(window.at(0, later), false);
    CHECK(window.ended(window.at(0, later)).total == 1);
    CHECK(window.ended(window.at(0, later)).marked == 0);
  }
}

TEST_CASE("the time window counts right at 200,000 calls a second") {
  TimeScale scale(60s);
  TimeRing ring;
  MarkedSlots marked;
  for (int call = 0; call < 400'000; ++call) ring.add(scale, scale.at(0, call / 200), call % 4 == 0, marked);
  const Tally tally = ring.sum(scale, scale.at(0, 1999));
  CHECK(tally.total == 400'000);
  CHECK(tally.marked == 100'000);
}

TEST_CASE("a ring knows whether a bucket of it has a mark, until that bucket is used again") {
  TimeScale scale(30ms);
  TimeRing ring;
  MarkedSlots marked;
  for (Millis now = 0; now < 30; ++now) ring.add(scale, scale.at(0, now), false, marked);
  CHECK_FALSE(marked.any());
  ring.add(scale, scale.at(0, 7), true, marked);
  ring.add(scale, scale.at(0, 8), true, marked);
  ring.add(scale, scale.at(0, 8), false, marked);
  CHECK(marked.any());
  ring.add(scale, scale.at(0, 37), false, marked);
  CHECK(marked.any());
  ring.add(scale, scale.at(1, 8), false, marked);  // of another tag
  CHECK_FALSE(marked.any());
  ring.add(scale, scale.at(1, 9), true, marked);
  ring.add(scale, scale.at(0, 9), false, marked);  // late, of the tag before: the bucket stays as it is
  CHECK(marked.any());
}

TEST_CASE("a full bucket keeps its counts and their ratio") {
  TimeScale scale(30ms);
  TimeRing ring;
  MarkedSlots marked;
  const auto most = (std::uint64_t{1} << scale.count_bits()) - 1;
  for (std::uint64_t call = 0; call < most + 100; ++call) ring.add(scale, scale.at(0, 0), true, marked);
  CHECK(ring.sum(scale, scale.at(0, 0)).total == most);
  CHECK(ring.sum(scale, scale.at(0, 0)).marked == most);
  ring.add(scale, scale.at(0, 1), false, marked);
  CHECK(ring.sum(scale, scale.at(0, 1)).total == most + 1);
}

TEST_CASE("a count window holds the last calls only, judged ones apart from ended ones") {
  SlidingWindow window(last(3));
  window.add_ended(window.at(0, 0), true);
  window.add_ended(window.at(0, 0), true);
  window.add_ended(window.at(0, 0), false);
  window.add_judged(window.at(0, 0), true);
  CHECK(window.ended(window.at(0, 0)).total == 3);
  CHECK(window.ended(window.at(0, 0)).marked == 2);
  window.add_ended(window.at(0, 1'000'000'000), false);
  CHECK(window.ended(window.at(0, 0)).total == 3);
  CHECK(window.ended(window.at(0, 0)).marked == 1);
  CHECK(window.judged(window.at(0, 0)).total == 1);
  CHECK(window.judged(window.at(0, 0)).marked == 1);
}

TEST_CASE("a count window of one holds the last call") {
  CountRing ring(1);
  for (int i = 0; i < 10; ++i) {
    ring.add(0, i % 2 == 0);
    CHECK(ring.sum(0).total == 1);
    CHECK(ring.sum(0).marked == (i % 2 == 0 ? 1U : 0U));
  }
}

TEST_CASE("what was counted under a generation is not seen from the next, and what comes late for it is not counted") {
  for (const config::Window& shape : {over(60s), last(8)}) {
    SlidingWindow window(shape);
    for (int i = 0; i < 5; ++i) window.add_ended(window.at(6, 1000), true);
    CHECK(window.ended(window.at(7, 1000)).total == 0);
    window.add_ended(window.at(7, 1000), false);
    window.add_ended(window.at(6, 1000), true);
    CHECK(window.ended(window.at(7, 1000)).total == 1);
    CHECK(window.ended(window.at(7, 1000)).marked == 0);
  }
}

TEST_CASE("generations that begin again at 0 see nothing of the last ones") {
  for (const config::Window& shape : {over(30ms), over(60s), over(3h), last(8)}) {
    SlidingWindow window(shape);
    for (int i = 0; i < 5; ++i) window.add_ended(window.at(kGenerationMask, 1000), true);
    CHECK(window.ended(window.at(0, 1000)).total == 0);
    window.add_ended(window.at(0, 1000), false);
    window.add_ended(window.at(0, 1000), true);
    CHECK(window.ended(window.at(0, 1000)).total == 2);
    CHECK(window.ended(window.at(0, 1000)).marked == 1);
  }
}

TEST_CASE("an emptied window starts from nothing in the same generation") {
  for (const config::Window& shape : {over(60s), last(8)}) {
    SlidingWindow window(shape);
    for (int i = 0; i < 20; ++i) window.add_judged(window.at(3, 1000), true);
    window.empty();
    CHECK(window.judged(window.at(3, 1000)).total == 0);
    window.add_judged(window.at(3, 1000), false);
    CHECK(window.judged(window.at(3, 1000)).total == 1);
    CHECK(window.judged(window.at(3, 1000)).marked == 0);
  }
}

TEST_CASE("a window's shape is its type and the one measure that the type uses") {
  CHECK(SlidingWindow(over(60s)).has_shape(over(60s)));
  CHECK_FALSE(SlidingWindow(over(60s)).has_shape(over(61s)));
  CHECK_FALSE(SlidingWindow(over(60s)).has_shape(last(100)));
  config::Window calls = last(100);
  calls.duration = 5s;
  CHECK(SlidingWindow(last(100)).has_shape(calls));
  CHECK_FALSE(SlidingWindow(last(100)).has_shape(last(99)));
  CHECK(SlidingWindow(last(100)).duration() == 0);
  CHECK(SlidingWindow(over(7s)).duration() == 7000);
}

}  // namespace
}  // namespace fusewire::breaker
