// SPDX-License-Identifier: Apache-2.0
#include "support.hpp"

namespace fusewire::config {
namespace {

CircuitBreaker good_breaker(const std::string& text) {
  const BreakerResult result = load_circuit_breaker(text);
  CAPTURE(lines_of(result.errors));
  REQUIRE(result.circuit_breaker);
  REQUIRE(result.errors.empty());
  return *result.circuit_breaker;
}

// Without "circuit_breaker:1:…: ".
Lines errors_of(const std::string& text) {
  const BreakerResult result = load_circuit_breaker(text);
  CHECK_FALSE(result.circuit_breaker);
  Lines lines;
  for (const Diagnostic& error : result.errors) lines.push_back(error.key_path + ": " + error.message);
  return lines;
}

TEST_CASE("no keys are the defaults") { CHECK(good_breaker("{}") == CircuitBreaker{}); }

TEST_CASE("every key of a breaker is read from JSON") {
  const CircuitBreaker breaker = good_breaker(R"({
    "mode": "shadow", "scope": "upstream", "preset": "default",
    "detection": {"consecutive_failures": "off", "failure_count": {"threshold": 4, "window": "90s"},
                  "failure_rate": {"threshold": 0.25},
                  "slow_call_rate": {"threshold": 1, "slower_than": "250ms", "measure": "body"},
                  "window": {"type": "count_based", "size": 20}, "minimum_calls": 20},
    "transitions": {"open_timeout": "1.5s", "backoff": {"multiplier": 1.5, "max": "2m", "jitter": 0}},
    "recovery": {"half_open_max_calls": 7, "success_threshold": 6, "strict_mode": false, "max_half_open": "5s",
                 "settle_after": "1s", "probe": {"type": "traffic"}, "ramp": "off"},
    "classify": {"failure": ["timeout", "429", "503", "5xx"], "ignore": ["501", "reset"],
                 "response_headers": [{"name": "grpc-status", "matches": "^(8|14)$"}], "cascade": "neutral"}})");
  CHECK(breaker.mode == Mode::shadow);
  CHECK_FALSE(breaker.detection.consecutive_failures);
  CHECK(breaker.detection.failure_count == FailureCount{4, 90s});
  CHECK(breaker.detection.failure_rate == 0.25);
  CHECK(breaker.detection.slow_call_rate == SlowCallRate{1, 250ms, Measure::body});
  CHECK(breaker.detection.window == Window{WindowType::count_based, 60s, 20});
  CHECK(breaker.detection.minimum_calls == 20);
  CHECK(breaker.transitions.open_timeout == 1500ms);
  CHECK(breaker.transitions.backoff == Backoff{1.5, 2min, 0});
  CHECK(breaker.recovery == Recovery{7, 6, false, 5s, 1s, {}});
  CHECK(breaker.classify.failure.timeout);
  CHECK_FALSE(breaker.classify.failure.reset);
  CHECK(breaker.classify.failure.has_status(429));
  CHECK(breaker.classify.failure.has_status(599));
  CHECK_FALSE(breaker.classify.failure.has_status(404));
  CHECK(breaker.classify.ignore.has_status(501));
  CHECK(breaker.classify.ignore.reset);
  CHECK(breaker.classify.response_headers == std::vector<ResponseFieldMatch>{{"grpc-status", "^(8|14)$"}});
  CHECK(breaker.classify.cascade == Cascade::neutral);
}

TEST_CASE("a detector's map may leave out what keeps its default") {
  CHECK(good_breaker("detection: {failure_count: {}}").detection.failure_count == FailureCount{});
  CHECK(good_breaker("detection: {failure_count: {threshold: 2}}").detection.failure_count == FailureCount{2, 300s});
  CHECK(good_breaker("detection: {slow_call_rate: {measure: body}}").detection.slow_call_rate ==
        SlowCallRate{0.5, 5s, Measure::body});
}

TEST_CASE("`off` switches every detector off, and so does false, which some tools make of it") {
  for (const std::string off : {"off", "'off'", "false"}) {
    const Detection detection = good_breaker("detection: {consecutive_failures: " + off + ", failure_rate: " + off +
                                             ", slow_call_rate: " + off + ", failure_count: " + off + "}")
                                    .detection;
    CHECK_FALSE(detection.consecutive_failures);
    CHECK_FALSE(detection.failure_count);
    CHECK_FALSE(detection.failure_rate);
    CHECK_FALSE(detection.slow_call_rate);
  }
}

TEST_CASE("statuses may be written with and without quotes") {
  const Conditions failure = good_breaker("classify: {failure: [503, \"504\", 4xx]}").classify.failure;
  CHECK(failure.has_status(503));
  CHECK(failure.has_status(504));
  CHECK(failure.has_status(404));
  CHECK_FALSE(failure.has_status(500));
}

struct Bad {
  std::string text;
  std::string error;
};

TEST_CASE("a value out of its range says the range") {
  const std::string small = "expected a whole number from 1 to 127, found ";
  for (const Bad& c : std::vector<Bad>{
           {"detection: {consecutive_failures: {threshold: 0}}",
            "detection.consecutive_failures.threshold: " + small + "'0'"},
           {"detection: {consecutive_failures: {threshold: 128}}",
            "detection.consecutive_failures.threshold: " + small + "'128'"},
           {"detection: {consecutive_failures: {threshold: -1}}",
            "detection.consecutive_failures.threshold: " + small + "'-1'"},
           {"detection: {consecutive_failures: {threshold: 1.5}}",
            "detection.consecutive_failures.threshold: " + small + "'1.5'"},
           {"detection: {failure_count: {threshold: 128}}", "detection.failure_count.threshold: " + small + "'128'"},
           {"recovery: {half_open_max_calls: 0}", "recovery.half_open_max_calls: " + small + "'0'"},
           {"recovery: {success_threshold: many}", "recovery.success_threshold: " + small + "'many'"},
           {"detection: {minimum_calls: 0}",
            "detection.minimum_calls: expected a whole number from 1 to 1000000, found '0'"},
           {"detection: {minimum_calls: '5'}",
            "detection.minimum_calls: expected a whole number from 1 to 1000000, found '5' (a "
            "string: write it without quotes)"},
           {"detection: {failure_rate: {threshold: 0}}",
            "detection.failure_rate.threshold: expected a number above 0, up to 1, found '0'"},
           {"detection: {failure_rate: {threshold: 1.01}}",
            "detection.failure_rate.threshold: expected a number above 0, up to 1, found '1.01'"},
           {"detection: {slow_call_rate: {threshold: half}}",
            "detection.slow_call_rate.threshold: expected a number above 0, up to 1, found 'half'"},
           {"detection: {window: {duration: 29ms}}",
            "detection.window.duration: expected a duration from 30ms to 168h, found '29ms'"},
           {"detection: {window: {type: count_based, size: 0}}",
            "detection.window.size: expected a whole number from 1 to 1000000, found '0'"},
           {"transitions: {open_timeout: 0s}",
            "transitions.open_timeout: expected a duration from 1ms to 168h, found '0s'"},
           {"transitions: {open_timeout: 30}",
            "transitions.open_timeout: expected a duration such as 250ms, 1.5s, 10m or 1h, "
            "found '30'; a bare number has no unit"},
           {"transitions: {backoff: {multiplier: 0.9}}",
            "transitions.backoff.multiplier: expected a number from 1, found '0.9'"},
           {"transitions: {backoff: {jitter: 1.1}}",
            "transitions.backoff.jitter: expected a number from 0 to 1, found '1.1'"},
           {"transitions: {backoff: {max: 1000h}}",
            "transitions.backoff.max: expected a duration from 1ms to 168h, found '1000h'"},
           {"recovery: {strict_mode: yes}", "recovery.strict_mode: expected true or false (or on, off), found 'yes'"},
           {"recovery: {strict_mode: 'true'}",
            "recovery.strict_mode: expected true or false (or on, off), found 'true' (a string: "
            "write it without quotes)"},
       }) {
    CAPTURE(c.text);
    CHECK(errors_of(c.text) == Lines{c.error});
  }
}

TEST_CASE("an unknown word says which are known") {
  CHECK(errors_of("mode: enforced") == Lines{"mode: unknown value 'enforced'; did you mean 'enforce'?"});
  CHECK(errors_of("mode: loud") == Lines{"mode: unknown value 'loud'; expected one of: enforce, shadow, disabled"});
  CHECK(errors_of("preset: agressive") == Lines{"preset: unknown preset 'agressive'; did you mean 'aggressive'?"});
  CHECK(errors_of("scope: world") ==
        Lines{"scope: unknown value 'world'; expected one of: auto, upstream, endpoint, route"});
  CHECK(errors_of("classify: {failure: [timeot]}") ==
        Lines{"classify.failure.0: unknown condition 'timeot'; did you mean 'timeout'?"});
  CHECK(errors_of("classify: {ignore: [6xx, 700, 50x, 5000]}").size() == 4);
  CHECK(errors_of("classify: {ignore: [bananas]}") ==
        Lines{"classify.ignore.0: unknown condition 'bananas'; expected one of: connect_error, timeout, reset, "
              "protocol_error, incomplete, a status such as 503, a class such as 5xx"});
}

TEST_CASE("what never is a call's outcome cannot be classified") {
  CHECK(errors_of("classify: {failure: [breaker_open]}").size() == 1);
  CHECK(errors_of("classify: {failure: [overload]}").size() == 1);
}

TEST_CASE("a probe of the proxy's own has its keys, and those of another type change nothing") {
  const auto probe = [](const std::string& keys) {
    return good_breaker("recovery: {probe: {" + keys + "}}").recovery.probe;
  };
  CHECK(probe("type: traffic, path: /x, interval: 1s") == Probe{});
  const Probe active =
      probe("type: active, path: '/healthz?deep=1', interval: 1s, timeout: 2s, expect: [200, \"204\", 3xx]");
  CHECK(active.type == ProbeType::active);
  CHECK(active.path == "/healthz?deep=1");
  CHECK(active.interval == 1s);
  CHECK(active.timeout == 2s);
  CHECK(active.expect[200]);
  CHECK_FALSE(active.expect[201]);
  CHECK(active.expect[204]);
  CHECK(active.expect.count() == 102);
  CHECK(probe("type: active, path: /").expect.count() == 200);
  CHECK(probe("type: connect, path: /x, timeout: 9s") == Probe{.type = ProbeType::connect});
}

TEST_CASE("a probe that cannot be made is an error") {
  CHECK(errors_of("recovery: {probe: {type: active}}") ==
        Lines{"recovery.probe: type active needs its path: probe: {type: active, path: /healthz}"});
  CHECK(errors_of("recovery: {probe: {type: passive}}") ==
        Lines{"recovery.probe.type: unknown value 'passive'; expected one of: traffic, active, connect"});
  CHECK(errors_of("recovery: {probe: {type: active, path: healthz}}") ==
        Lines{"recovery.probe.path: expected a path that begins with '/', found 'healthz'"});
  CHECK(errors_of("recovery: {probe: {type: active, path: '/a b'}}").size() == 1);
  CHECK(errors_of("recovery: {probe: {type: active, path: /, expect: []}}") ==
        Lines{"recovery.probe.expect: expected a list with at least one status such as 200 or 2xx"});
  CHECK(
      errors_of("recovery: {probe: {type: active, path: /, expect: [timeout]}}") ==
      Lines{"recovery.probe.expect.0: unknown condition 'timeout'; expected one of: a status such as 503, a class such "
            "as 5xx"});
  CHECK(errors_of("recovery: {probe: {type: connect, interval: 1ms}}") ==
        Lines{"recovery.probe.interval: expected a duration from 10ms to 24h, found '1ms'"});
}

TEST_CASE("minimum_calls above a count window is an error, at whichever of them was written") {
  const std::string message = "minimum_calls 10 is above the count window's size 5; expected at most 5";
  CHECK(errors_of("detection: {minimum_calls: 10, window: {type: count_based, size: 5}}") ==
        Lines{"detection.minimum_calls: " + message});
  CHECK(errors_of("detection: {window: {type: count_based, size: 5}}") == Lines{"detection.window.size: " + message});
  CHECK(errors_of("detection: {minimum_calls: 101, window: {type: count_based}}").size() == 1);
  good_breaker("detection: {minimum_calls: 5, window: {type: count_based, size: 5}}");
  good_breaker("detection: {minimum_calls: 5000, window: {type: time_based, duration: 1s}}");
}

TEST_CASE("the key of the other window type changes nothing") {
  CHECK(good_breaker("detection: {window: {type: time_based, size: 5}}") == CircuitBreaker{});
}

TEST_CASE("a response field to look for has a name and a pattern that compiles") {
  CHECK(errors_of("classify: {response_headers: [{}]}") ==
        Lines{"classify.response_headers.0.matches: missing; expected a regular expression",
              "classify.response_headers.0.name: missing; expected a header name"});
  CHECK(errors_of("classify: {response_headers: [{name: 'a b', matches: x}]}") ==
        Lines{"classify.response_headers.0.name: expected a header name, found 'a b'"});
  CHECK(errors_of("classify: {response_headers: [{name: a, matches: '('}]}") ==
        Lines{"classify.response_headers.0.matches: not a regular expression of RE2's syntax: missing )"});
  CHECK(
      errors_of("classify: {response_headers: [{name: a, matches: '^(a+)+(b?)\\2c'}]}") ==
      Lines{"classify.response_headers.0.matches: not a regular expression of RE2's syntax: invalid escape sequence"});
  CHECK(errors_of("classify: {response_headers: [{name: a, matches: '" + std::string(257, 'x') + "'}]}") ==
        Lines{"classify.response_headers.0.matches: expected a regular expression of at most 256 bytes"});
}

TEST_CASE("a pattern that explodes when it is compiled is refused before") {
  const auto with_pattern = [](const std::string& pattern) {
    return "classify: {response_headers: [{name: a, matches: '" + pattern + "'}]}";
  };
  for (const std::string pattern :
       {"((a{100}){100}){100}", "a{99999999999999999999}{99999}", "a{30000}", "(ab){1,9999}"}) {
    CAPTURE(pattern);
    CHECK(errors_of(with_pattern(pattern)).size() == 1);
  }
  good_breaker(with_pattern("^[0-9]{3}-[a-f]{1,12}x{2,}$"));
  std::string many;
  for (int i = 0; i < 33; ++i) many += "{name: a, matches: b}, ";
  CHECK(errors_of("classify: {response_headers: [" + many + "]}") ==
        Lines{"classify.response_headers: expected at most 32 fields to look for"});
}

TEST_CASE("an unknown key and a text that is no map are errors") {
  CHECK(errors_of("detectoin: {}") == Lines{"detectoin: unknown key; did you mean 'detection'?"});
  CHECK(errors_of("[]") == Lines{": expected a map, found a list"});
  CHECK(errors_of("") == Lines{": the document is empty"});
  CHECK(load_circuit_breaker("mode: x").errors[0].to_string().starts_with("circuit_breaker:1:7: mode: "));
}

TEST_CASE("a row has a chance, or counts plainly") {
  const auto row = [](const std::string& keys) { return good_breaker("detection: {" + keys + "}").detection; };
  CHECK(row("").consecutive_failures == Consecutive{5, 0.000001});
  CHECK(row("").consecutive_slow_calls == Consecutive{5, 0.000001});
  CHECK(row("consecutive_failures: {threshold: 7}").consecutive_failures == Consecutive{7, 0.000001});
  CHECK(row("consecutive_failures: {chance: 1e-9}").consecutive_failures == Consecutive{5, 1e-9});
  CHECK(row("consecutive_failures: {chance: off}").consecutive_failures == Consecutive{5, std::nullopt});
  CHECK(row("consecutive_slow_calls: {threshold: 3, chance: false}").consecutive_slow_calls ==
        Consecutive{3, std::nullopt});
  CHECK_FALSE(row("consecutive_slow_calls: off").consecutive_slow_calls);
  for (const std::string bad : {"0", "1.5", "-1", "rare"})
    CHECK(errors_of("detection: {consecutive_failures: {chance: " + bad + "}}") ==
          Lines{"detection.consecutive_failures.chance: expected a number above 0, up to 1, found '" + bad + "'"});
  CHECK(errors_of("detection: {consecutive_slow_calls: {threshold: 128}}").size() == 1);
}

}  // namespace
}  // namespace fusewire::config
