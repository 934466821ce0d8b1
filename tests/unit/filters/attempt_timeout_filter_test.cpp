// SPDX-License-Identifier: Apache-2.0
#include "filters/timeout/attempt_timeout_filter.hpp"

#include <doctest/doctest.h>

#include "filters/timeout/adaptive_timeout.hpp"
#include "tests/unit/filters/scene.hpp"

using namespace fusewire;
using namespace fusewire::test;

namespace {

struct Fixture : Scene {
  AdaptiveTimeout latency{60s, kStart};
  ChainContext context = by(latency);
  AttemptTimeoutFilter filter{context};

  Fixture() { upstream.retries.hedge = config::Hedge{}; }
  static ChainContext by(AdaptiveTimeout& latency) {
    ChainContext context;
    context.adaptive_timeout = &latency;
    return context;
  }
  std::uint64_t recorded() const { return latency.window().percentile(0.5, kStart + 1s).samples; }
  double median_ms() const {
    return std::chrono::duration<double, std::milli>(latency.window().percentile(0.5, kStart + 1s).value).count();
  }
  // An attempt that began at `begun` and has lost to another one at `now`.
  void loses(Time begun, Time now) {
    x.begun = x.request_sent = begun;
    x.outcome = Outcome::superseded;
    filter.on_done(call, x, now);
  }
};

}  // namespace

TEST_CASE_FIXTURE(Fixture, "how long answers take is recorded where a hedge goes by a percentile of it, else not") {
  sent(kStart);
  head(kStart + 20ms);
  filter.on_head(call, x, kStart + 20ms);
  CHECK(recorded() == 1);
  upstream.retries.hedge->after.fixed = 50ms;
  filter.on_head(call, x, kStart + 20ms);
  upstream.retries.hedge.reset();
  filter.on_head(call, x, kStart + 20ms);
  CHECK(recorded() == 1);
  upstream.timeouts.adaptive = config::AdaptiveTimeout{};
  filter.on_head(call, x, kStart + 20ms);
  CHECK(recorded() == 2);
  request_context.background = true;
  filter.on_head(call, x, kStart + 20ms);
  CHECK(recorded() == 2);
}

TEST_CASE_FIXTURE(Fixture, "an attempt that its hedge has beaten has taken at least as long as it was waited for") {
  call.hedged_at = kStart + 100ms;
  loses(kStart, kStart + 130ms);
  CHECK(recorded() == 1);
  CHECK(median_ms() >= 130);
}

TEST_CASE_FIXTURE(Fixture, "a hedge that was beaten says nothing of the upstream's latency") {
  call.hedged_at = kStart + 100ms;
  loses(kStart + 100ms, kStart + 101ms);
  CHECK(recorded() == 0);
}

// One answer in twenty takes a second: were the attempts that lose left out, the percentile would sink to the others'.
TEST_CASE_FIXTURE(Fixture, "the time after which hedges are sent does not shrink by their success") {
  Time now = kStart;
  std::chrono::nanoseconds after = 15ms;
  for (int i = 0; i < 100'000; ++i, now += 1ms) {
    call.hedged_at = kNever;
    const bool slow = i % 20 == 0;
    x = {};
    x.begun = x.request_sent = now;
    if (slow) {
      call.hedged_at = now + std::chrono::duration_cast<Time::duration>(after);
      x.outcome = Outcome::superseded;
      filter.on_done(call, x, call.hedged_at + 10ms);
      x = {};
      x.begun = x.request_sent = call.hedged_at;
    }
    x.response_head = x.begun + milliseconds(8 + i % 5);
    filter.on_head(call, x, x.response_head);
    after = latency.longer_than(0.95, 100, now).value_or(after);
    if (i > 1000) REQUIRE(after >= 11ms);
  }
  CHECK(after <= 30ms);
}
