// SPDX-License-Identifier: Apache-2.0
#include "config/variables.hpp"
#include "support.hpp"

namespace fusewire::config {
namespace {

Lines warnings_of(const LoadResult& result) {
  good(result);
  return lines_of(result.warnings);
}
Lines warnings_with(const std::string& section) { return warnings_of(load_with(section)); }
Lines warnings_of_upstream(const std::string& keys) { return warnings_of(load_upstream(keys)); }

// Without the warning about several upstreams and no routes.
Lines warnings_beside_hosts(const std::string& text) {
  Lines warnings = warnings_of(load_text(text));
  std::erase_if(warnings,
                [](const std::string& line) { return line.find("that its Host names") != std::string::npos; });
  return warnings;
}

TEST_CASE("the defaults warn of nothing") { CHECK(warnings_with("").empty()); }

TEST_CASE("an open interval shorter than the response timeout is a trap") {
  const std::string why =
      " is shorter than the response timeout 15s: calls of before the trip are still waiting when trials begin";
  CHECK(warnings_of_upstream("    circuit_breaker: {transitions: {open_timeout: 14s}}\n") ==
        Lines{"f:5:51: upstreams.orders.circuit_breaker.transitions.open_timeout: the open interval 14s" + why});
  CHECK(warnings_of_upstream("    circuit_breaker: {preset: redis}\n") ==
        Lines{"f:5:5: upstreams.orders.circuit_breaker.transitions.open_timeout: the open interval 10s" + why});
  CHECK(warnings_of_upstream("    circuit_breaker: {transitions: {open_timeout: 15s}}\n").empty());
  CHECK(warnings_of_upstream("    circuit_breaker: {mode: disabled, transitions: {open_timeout: 1s}}\n").empty());
}

TEST_CASE("a health check whose timeout is not shorter than its interval is a trap") {
  CHECK(
      warnings_of_upstream("    health_check: {interval: 1s, timeout: 1s}\n") ==
      Lines{
          "f:5:43: upstreams.orders.health_check.timeout: the timeout 1s is not shorter than the interval, 1s: a check "
          "that hangs delays the next one"});
  CHECK(warnings_of_upstream("    health_check: {interval: 500ms}\n").size() == 1);
  CHECK(warnings_of_upstream("    health_check: {interval: 2s}\n").empty());
}

TEST_CASE("a connect probe that comes later than the end of the open interval is a trap") {
  const std::string probe = "recovery: {probe: {type: connect, interval: 15s}}";
  CHECK(
      warnings_of_upstream("    circuit_breaker: {transitions: {open_timeout: 15s}, " + probe + "}\n") ==
      Lines{
          "f:5:101: upstreams.orders.circuit_breaker.recovery.probe.interval: the interval 15s is not shorter than the "
          "open interval, 15s: it is over before the first try"});
  CHECK(warnings_of_upstream("    circuit_breaker: {" + probe + "}\n").empty());
}

TEST_CASE("1xx under fallback.on is a trap") {
  CHECK(warnings_of_upstream("    fallback: {on: [1xx, 5xx], chain: []}\n") ==
        Lines{"f:5:20: upstreams.orders.fallback.on: 1xx under on: of these only a 101 ends an exchange, and with a "
              "fallback in its place no request is upgraded"});
}

TEST_CASE("an interval from `defaults` is reported where it is written") {
  CHECK(warnings_beside_hosts(R"(listen: 127.0.0.1:1
defaults: {circuit_breaker: {transitions: {open_timeout: 1s}}}
upstreams: {a: http://a, b: http://b}
)")
            .size() == 1);
}

TEST_CASE("4xx under failure is a trap, apart from 429") {
  const std::string line =
      ": upstreams.orders.circuit_breaker.classify.failure: 4xx under failure: a client's own "
      "mistakes can open the breaker for everyone";
  CHECK(warnings_of_upstream("    circuit_breaker: {classify: {failure: [4xx]}}\n") == Lines{"f:5:43" + line});
  CHECK(warnings_of_upstream("    circuit_breaker: {classify: {failure: [404]}}\n") == Lines{"f:5:43" + line});
  CHECK(warnings_of_upstream("    circuit_breaker: {classify: {failure: [429, 5xx]}}\n").empty());
}

TEST_CASE("a step behind a static one is never reached") {
  CHECK(warnings_of_upstream("    fallback: {chain: [{static: {}}, cache, {static: {status: 503}}]}\n") ==
        Lines{"f:5:38: upstreams.orders.fallback.chain.1: this step is never reached: the static step before it always "
              "answers",
              "f:5:45: upstreams.orders.fallback.chain.2: this step is never reached: the static step before it always "
              "answers"});
}

TEST_CASE("max_stale on a cache that never stores is a trap") {
  const std::string place =
      "upstreams.orders.fallback.chain.0.cache.max_stale: max_stale on a cache that never stores: ";
  const std::string chain = "    fallback: {chain: [{cache: {max_stale: 1m}}]}\n";
  CHECK(warnings_of_upstream(chain + "    cache: {max_object: 0}\n") ==
        Lines{"f:5:44: " + place + "cache.max_object is 0"});
  CHECK(warnings_of_upstream(chain + "cache_memory: 0\n") == Lines{"f:5:44: " + place + "cache_memory is 0"});
  CHECK(warnings_of_upstream(chain).empty());
  CHECK(warnings_of_upstream("    cache: {max_object: 0}\n").empty());
}

TEST_CASE("a cache that is asked for and can remember nothing is a trap") {
  const std::string why = ": a cache that can remember nothing: ";
  CHECK(warnings_of_upstream("    fallback: {chain: [cache]}\ncache_memory: 0\n") ==
        Lines{"f:5:24: upstreams.orders.fallback.chain.0" + why + "cache_memory is 0"});
  CHECK(warnings_of_upstream("    cache: {serve: normal, max_object: 0}\n") ==
        Lines{"f:5:20: upstreams.orders.cache.serve" + why + "cache.max_object is 0"});
  CHECK(warnings_with("cache_memory: 0\n").empty());
}

TEST_CASE("a name in Via that is written in the file is shared by all who use it") {
  const Lines warnings = warnings_with("via: edge\n");
  CHECK(warnings ==
        Lines{"f:4:6: via: instances that share one 'via' refuse each other's requests as a loop (502): each "
              "needs its own, such as ${HOSTNAME}, or none here"});
  const LoadResult from_host =
      load({.name = "f", .text = kListenAndOrders + "via: ${HOSTNAME}\n", .environment = {{"HOSTNAME", "pod-1"}}});
  CHECK(warnings_of(from_host).empty());
}

TEST_CASE("a shutdown longer than Kubernetes waits is a trap") {
  CHECK(
      warnings_with("shutdown: {drain_timeout: 25s, grace: 4s}\n") ==
      Lines{"f:4:27: shutdown.drain_timeout: grace 4s and drain_timeout 25s are more than 28s in sum: Kubernetes kills "
            "after 30s, unless terminationGracePeriodSeconds says more"});
  CHECK(warnings_with("shutdown: {drain_timeout: 25s, grace: 3s}\n").empty());
  CHECK(warnings_with("shutdown: {drain_timeout: 28s}\n").empty());
}

TEST_CASE("a variable with single underscores that would be a key is a trap, and those of others are not") {
  const auto warnings_with_variables = [](Environment environment, const std::string& section = "") {
    return warnings_of(load({.name = "f", .text = kListenAndOrders + section, .environment = std::move(environment)}));
  };
  CHECK(warnings_with_variables({{"FUSEWIRE_LOG_LEVEL", "debug"}}) ==
        Lines{"environment: FUSEWIRE_LOG_LEVEL: this variable is not read; did you mean FUSEWIRE__LOG__LEVEL?"});
  CHECK(
      warnings_with_variables({{"FUSEWIRE_UPSTREAMS_ORDERS_CIRCUIT_BREAKER_TRANSITIONS_OPEN_TIMEOUT", "1s"}}).size() ==
      1);
  CHECK(warnings_with_variables({{"FUSEWIRE_CONFIG", "x"},
                                 {"FUSEWIRE_ADMIN", "x"},
                                 {"FUSEWIRE_TOKEN", "x"},
                                 {"FUSEWIRE_VERSION", "1"},
                                 {"FUSEWIRE_UPSTREAM", "x"},
                                 {"FUSEWIRE_SERVICE_HOST", "10.0.0.1"},
                                 {"FUSEWIRE_PORT_8080_TCP", "x"},
                                 {"FUSEWIRE_ADMIN_PORT", "x"},
                                 {"FUSEWIRE_STATE_SERVICE_HOST", "x"},
                                 {"LOG_LEVEL", "x"}})
            .empty());
  CHECK(warnings_with_variables({{"FUSEWIRE_LOG_LEVEL", "warn"}}, "log: {level: \"${FUSEWIRE_LOG_LEVEL}\"}\n").empty());
}

TEST_CASE("an admin address that is not loopback is a trap, with or without a token") {
  CHECK(warnings_with("admin: {address: 0.0.0.0:9901}\n") ==
        Lines{"f:4:18: admin.address: the admin address is not loopback: anyone who can reach it can read everything"});
  CHECK(warnings_with("admin: {address: 0.0.0.0:9901, token: x, read_requires_token: true}\n") ==
        Lines{"f:4:18: admin.address: the admin address is not loopback: anyone who can reach it can read everything "
              "with the token"});
  CHECK(warnings_with("admin: {probes: 0.0.0.0:9902}\n").empty());
}

TEST_CASE("a route's own timeouts and fallback are looked at too") {
  const LoadResult result = load_text(R"(upstreams: {a: {endpoints: [http://a], cache: {max_object: 0}}}
listeners:
  - address: 127.0.0.1:1
    routes:
      - upstream: a
        timeouts: {response: 31s}
        fallback: {chain: [{static: {}}, {cache: {max_stale: 5s}}]}
)");
  CHECK(
      warnings_of(result) ==
      Lines{
          "f:6:30: listeners.0.routes.0.timeouts.response: the open interval 30s is shorter than the response timeout "
          "31s: calls of before the trip are still waiting when trials begin",
          "f:7:42: listeners.0.routes.0.fallback.chain.1: this step is never reached: the static step before it "
          "always answers",
          "f:7:62: listeners.0.routes.0.fallback.chain.1.cache.max_stale: max_stale on a cache that never stores: "
          "cache.max_object is 0"});
}

TEST_CASE("a route's own circuit breaker is looked at too") {
  const auto warnings = [](const std::string& breaker, const std::string& of_upstream = "") {
    return warnings_of(load_text("upstreams: {a: {endpoints: [http://a]" + of_upstream +
                                 "}}\nlisteners:\n  - address: 127.0.0.1:1\n    routes:\n      - upstream: a\n        "
                                 "name: r\n        circuit_breaker: {scope: route" +
                                 breaker + "}\n"));
  };
  CHECK(warnings("").empty());
  CHECK(warnings(", transitions: {open_timeout: 14s}") ==
        Lines{"f:7:69: listeners.0.routes.0.circuit_breaker.transitions.open_timeout: the open interval 14s is shorter "
              "than the response timeout 15s: calls of before the trip are still waiting when trials begin"});
  CHECK(warnings(", recovery: {probe: {type: connect, interval: 30s}}") ==
        Lines{"f:7:85: listeners.0.routes.0.circuit_breaker.recovery.probe.interval: the interval 30s is not shorter "
              "than the open interval, 30s: it is over before the first try"});
  CHECK(warnings(", classify: {failure: [5xx, 404]}") ==
        Lines{"f:7:61: listeners.0.routes.0.circuit_breaker.classify.failure: 4xx under failure: a client's own "
              "mistakes can open the breaker for everyone"});
  CHECK(warnings(", mode: disabled, transitions: {open_timeout: 14s}").empty());
  CHECK(warnings(", detection: {minimum_calls: 7}", ", circuit_breaker: {transitions: {open_timeout: 14s}}").size() ==
        1);
  CHECK(warnings(", mode: enforce", ", circuit_breaker: {mode: disabled, transitions: {open_timeout: 14s}}").size() ==
        1);
}

TEST_CASE("a file with errors has no warnings to distract from them") {
  CHECK(load_with("admin: {address: 0.0.0.0:9901}\nbananas: 1\n").warnings.empty());
}

}  // namespace
}  // namespace fusewire::config
