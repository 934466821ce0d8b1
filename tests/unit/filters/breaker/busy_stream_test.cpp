// SPDX-License-Identifier: Apache-2.0
// docs/configuration.md, "A row in a busy stream": what chance does at a thousand calls a second trips nothing, an
// outage and a hang do.
#include <doctest/doctest.h>

#include <algorithm>
#include <array>
#include <random>

#include "tests/unit/filters/breaker/played_breaker.hpp"

namespace fusewire::breaker::testing {
namespace {

// Ten virtual hours are 36 million calls: five seconds where the core is optimised and not instrumented. Elsewhere it
// is half an hour, of the same calls.
#if defined(NDEBUG)
constexpr int kSeconds = 10 * 3600;
#else
constexpr int kSeconds = 1800;
#endif

// A call each millisecond. Only the row of failures is judged: another detector could but hide a row that counts.
class Stream {
 public:
  explicit Stream(const config::CircuitBreaker& config = only_consecutive(5), unsigned seed = 1)
      : play(config), random_(seed) {
    for (int call = 0; call < 1000; ++call) one(call % 5 == 0);  // so that the window knows the share from the start
  }

  void one(bool fails) {
    if (fails)
      play.fail();
    else
      play.succeed();
    longest = std::max(longest, row_ = fails ? row_ + 1 : 0);
    play.now += 1ms;
  }
  bool happens(double share) { return static_cast<double>(random_()) < share * 0x1p32; }

  PlayedBreaker play;
  int longest = 0;

 private:
  std::mt19937 random_;
  int row_ = 0;
};

TEST_CASE("vector 13: with a fifth of 1,000 calls a second failing at random nothing trips by a row in ten hours") {
  Stream stream;
  for (std::int64_t call = 0; call < kSeconds * 1000LL; ++call) stream.one(stream.happens(0.2));
  CHECK(stream.play.seen().totals.trips == 0);
  CHECK(stream.longest >= 8);  // plain counting would have tripped all the time
}

// Each call that is not answered fails 15 s later, with all that come due in the same 20 ms, back to back.
TEST_CASE("vector 13: with one in a hundred of 1,000 calls a second timing out nothing trips by a row in ten hours") {
  constexpr int kSlot = 20;
  Stream stream(only_consecutive(5), 7);
  std::array<int, 15'000 / kSlot> due{};
  int most_at_once = 0;
  for (std::int64_t slot = 0; slot < kSeconds * 1000LL / kSlot; ++slot) {
    int& now_due = due[static_cast<std::size_t>(slot) % due.size()];
    stream.play.fail(now_due);
    most_at_once = std::max(most_at_once, now_due);
    now_due = 0;
    for (int call = 0; call < kSlot; ++call) {
      if (stream.happens(0.01)) {
        ++now_due;
        stream.play.now += 1ms;
      } else {
        stream.one(false);
      }
    }
  }
  CHECK(stream.play.seen().totals.trips == 0);
  CHECK(most_at_once >= 5);
}

TEST_CASE("vector 13: a whole outage trips within 20 ms, also where a fifth failed before") {
  for (unsigned seed = 1; seed <= 5; ++seed) {
    Stream stream(plain(), seed);
    for (int call = 0; call < 70'000; ++call) stream.one(stream.happens(0.2));
    CHECK(stream.play.seen().totals.trips == 0);
    const Time outage = stream.play.now;
    while (stream.play.state() == State::closed) stream.one(true);
    CHECK(stream.play.seen().last_trip->reason == Reason::consecutive_failures);
    CHECK(stream.play.seen().last_trip->at - outage <= 20ms);
  }
}

TEST_CASE("vector 13: four timeouts and a fifth in one turn of the loop are no row") {
  Stream stream(plain());
  for (int call = 0; call < 10'000; ++call) stream.one(false);
  stream.play.fail(5);
  CHECK(stream.play.state() == State::closed);
  CHECK(stream.play.seen().consecutive_failures == 5);
  stream.play.now += 5ms;
  stream.play.fail(5);  // the next turn
  CHECK(stream.play.state() == State::closed);
}

// The worker looks for slow calls every 5 ms. That the rate would have needed as many slow calls as there were others
// in the window, 30 s of them, is what the row is for.
TEST_CASE("vector 13: a hang trips after slower_than") {
  constexpr milliseconds kTick = 5ms;
  PlayedBreaker play;
  for (int call = 0; call < 70'000; ++call, play.now += 1ms) play.succeed();
  const Time hang = play.now;
  std::vector<std::pair<Time, Permit>> waiting;
  std::size_t slow = 0;
  for (int ms = 0; ms < 5100 && play.state() == State::closed; ++ms, play.now += 1ms) {
    if (auto permit = play.admit()) waiting.emplace_back(play.now, std::move(*permit));
    if (ms % kTick.count() != 0) continue;
    for (; slow < waiting.size() && play.now - waiting[slow].first >= 5s; ++slow)
      waiting[slow].second.on_slow(play.now);
  }
  CHECK(play.state() == State::open);
  const Trip trip = play.seen().last_trip.value();
  CHECK(trip.reason == Reason::consecutive_slow_calls);
  CHECK(trip.at - hang >= 5s);
  CHECK(trip.at - hang <= 5s + 20ms);
}

TEST_CASE(
    "vector 14: a release from forced_closed over a failing upstream trips at the next failure, in a busy stream too") {
  for (const int failing : {20, 10'000, 60'000, 90'000}) {
    CAPTURE(failing);
    Stream stream(plain());
    for (int call = 0; call < 30'000; ++call) stream.one(stream.happens(0.2));
    stream.play.breaker.force_closed(stream.play.now);
    for (int call = 0; call < failing; ++call) stream.one(true);
    stream.play.breaker.release(stream.play.now);
    CHECK(stream.play.state() == State::closed);
    stream.play.must_admit().neutral(stream.play.now);
    CHECK(stream.play.state() == State::closed);
    stream.one(true);
    CHECK(stream.play.state() == State::open);
  }
}

}  // namespace
}  // namespace fusewire::breaker::testing
