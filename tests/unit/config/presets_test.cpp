// SPDX-License-Identifier: Apache-2.0
#include "config/presets.hpp"

#include "support.hpp"

namespace fusewire::config {
namespace {

struct Row {
  const char* name;
  std::uint32_t consecutive;
  double failure_rate;
  std::uint32_t minimum_calls;
  milliseconds slower_than;
  double slow_rate;
  milliseconds window;
  milliseconds open;
  std::uint32_t half_open;
  std::uint32_t successes;
};

TEST_CASE("each preset has the figures of the reference") {
  for (const Row& row :
       {Row{"default", 5, 0.5, 10, 5s, 0.5, 60s, 30s, 3, 3}, Row{"aggressive", 3, 0.3, 5, 2s, 0.3, 30s, 15s, 2, 2},
        Row{"lenient", 10, 0.7, 20, 10s, 0.7, 120s, 60s, 5, 3}, Row{"database", 10, 0.7, 10, 10s, 0.5, 60s, 60s, 3, 3},
        Row{"redis", 5, 0.5, 10, 2s, 0.5, 60s, 10s, 3, 3}, Row{"rpc", 5, 0.5, 10, 5s, 0.5, 60s, 30s, 3, 3},
        Row{"external_api", 3, 0.4, 10, 5s, 0.5, 60s, 60s, 5, 3}}) {
    CAPTURE(row.name);
    const CircuitBreaker breaker =
        good_upstream("    circuit_breaker: {preset: " + std::string(row.name) + "}\n").circuit_breaker;
    CHECK(breaker.preset == row.name);
    CHECK(breaker.detection.consecutive_failures == Consecutive{.threshold = row.consecutive});
    CHECK(breaker.detection.consecutive_slow_calls == Consecutive{.threshold = row.consecutive});
    CHECK_FALSE(breaker.detection.failure_count);
    CHECK(breaker.detection.failure_rate == row.failure_rate);
    CHECK(breaker.detection.minimum_calls == row.minimum_calls);
    CHECK(breaker.detection.slow_call_rate == SlowCallRate{row.slow_rate, row.slower_than, Measure::head});
    CHECK(breaker.detection.window == Window{WindowType::time_based, row.window, 100});
    CHECK(breaker.transitions.open_timeout == row.open);
    CHECK(breaker.transitions.backoff == Backoff{});
    CHECK(breaker.recovery.half_open_max_calls == row.half_open);
    CHECK(breaker.recovery.success_threshold == row.successes);
  }
}

TEST_CASE("treasury counts failures only and does not back off") {
  const CircuitBreaker breaker = *preset_named("treasury");
  CHECK_FALSE(breaker.detection.consecutive_failures);
  CHECK_FALSE(breaker.detection.consecutive_slow_calls);
  CHECK(breaker.detection.failure_count == FailureCount{5, 300s});
  CHECK_FALSE(breaker.detection.failure_rate);
  CHECK_FALSE(breaker.detection.slow_call_rate);
  CHECK(breaker.transitions.open_timeout == 60s);
  CHECK(breaker.transitions.backoff.multiplier == 1);
  CHECK(breaker.recovery.half_open_max_calls == 2);
  CHECK(breaker.recovery.success_threshold == 2);
}

TEST_CASE("the default preset is what a breaker has without one") {
  CHECK(*preset_named("default") == CircuitBreaker{});
}

TEST_CASE("a detector that a preset switches off starts from its own defaults when it is switched on") {
  const CircuitBreaker breaker =
      good_upstream("    circuit_breaker: {preset: treasury, detection: {slow_call_rate: {slower_than: 1s}}}\n")
          .circuit_breaker;
  CHECK(breaker.detection.slow_call_rate == SlowCallRate{0.5, 1s, Measure::head});
}

TEST_CASE("keys win over the preset, and the upstream's preset over that of `defaults`") {
  const Config config = good(load_text(R"(
listen: 127.0.0.1:1
defaults: {circuit_breaker: {preset: lenient, transitions: {open_timeout: 45s}}}
upstreams:
  a: http://a
  b: {endpoints: [http://b], circuit_breaker: {preset: aggressive, detection: {minimum_calls: 6}}}
)"));
  const CircuitBreaker& a = config.upstreams[0].circuit_breaker;
  const CircuitBreaker& b = config.upstreams[1].circuit_breaker;
  CHECK(a.detection.consecutive_failures->threshold == 10);
  CHECK(a.transitions.open_timeout == 45s);
  CHECK(b.detection.consecutive_failures->threshold == 3);
  CHECK(b.detection.minimum_calls == 6);
  CHECK(b.transitions.open_timeout == 45s);
}

TEST_CASE("a preset may come from an override, under the keys of the file") {
  const LoadResult result = load({.name = "f",
                                  .text = upstream_file("    circuit_breaker: {detection: {minimum_calls: 7}}\n"),
                                  .set = {"upstreams.orders.circuit_breaker.preset=redis"}});
  const CircuitBreaker breaker = good(result).upstreams[0].circuit_breaker;
  CHECK(breaker.transitions.open_timeout == 10s);
  CHECK(breaker.detection.minimum_calls == 7);
}

}  // namespace
}  // namespace fusewire::config
