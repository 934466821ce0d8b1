// SPDX-License-Identifier: Apache-2.0
#include "config/load.hpp"

#include "full_file.hpp"
#include "support.hpp"

namespace fusewire::config {
namespace {

TEST_CASE("the smallest useful file is three lines") {
  const Config config = good(load_text("listen: 127.0.0.1:8080\nupstreams:\n  orders: http://127.0.0.1:9000\n"));
  REQUIRE(config.listeners.size() == 1);
  REQUIRE(config.upstreams.size() == 1);
  CHECK(config.listeners[0].address.port == 8080);
  CHECK(config.upstreams[0].name == "orders");
  CHECK(config.upstreams[0].circuit_breaker == CircuitBreaker{});
}

TEST_CASE("a file with every key is read, without an error, and with one warning: of its name in Via") {
  const LoadResult result = load_text(kFullFile);
  const Config config = good(result);
  REQUIRE(result.warnings.size() == 1);
  CHECK(result.warnings[0].key_path == "via");
  CHECK(config.listeners.size() == 2);
  CHECK(config.upstreams.size() == 3);
  CHECK(config.upstreams[0].timeouts.idle == 61s);
}

TEST_CASE("every kind of error comes in one go, in the order of the file") {
  const LoadResult result = load({.name = "fusewire.yaml",
                                  .text = R"(version: 1
listen: 127.0.0.1:8080
upstreams:
  orders:
    endpoints: [http://127.0.0.1:9000/v1]
    timeouts: {conect: 1s, idle: 5}
    circuit_breaker: {detection: {window: {type: count_based, size: 5}}}
    fallback: {chain: [{upstream: order}]}
    read_only_when_open: true
  orders: http://b
via: ${VIA}
)",
                                  .environment = {{"FUSEWIRE__LOG__LEVEL", "loud"}, {"FUSEWIRE__X", "1"}},
                                  .set = {"vai=1"}});
  CHECK_FALSE(result.config);
  CHECK(
      lines_of(result.errors) ==
      Lines{
          "fusewire.yaml:5:17: upstreams.orders.endpoints.0: no path in an endpoint's URL; expected "
          "http://127.0.0.1:9000; found 'http://127.0.0.1:9000/v1'",
          "fusewire.yaml:6:16: upstreams.orders.timeouts.conect: unknown key; did you mean 'connect'?",
          "fusewire.yaml:6:34: upstreams.orders.timeouts.idle: expected a duration such as 250ms, 1.5s, 10m or 1h, "
          "found "
          "'5'; a bare number has no unit",
          "fusewire.yaml:7:69: upstreams.orders.circuit_breaker.detection.window.size: minimum_calls 10 is above the "
          "count "
          "window's size 5; expected at most 5",
          "fusewire.yaml:8:35: upstreams.orders.fallback.chain.0.upstream: no upstream is named 'order'; did you mean "
          "'orders'?",
          "fusewire.yaml:9:5: upstreams.orders.read_only_when_open: not supported yet; only 'false' is",
          "fusewire.yaml:10:3: upstreams.orders: duplicate key; first given in line 4",
          "fusewire.yaml:11:6: via: the variable VIA is not set; ${VIA:-default} gives it a default",
          "environment: FUSEWIRE__X: unknown key 'x'; expected one of: version, listen, listeners, defaults, "
          "upstreams, "
          "cache_memory, via, admin, events, tracing, log, shutdown, runtime",
          "environment: log.level: unknown value <from FUSEWIRE__LOG__LEVEL>; expected one of: trace, debug, info, "
          "warn, error, off",
          "--set: vai: unknown key 'vai'; did you mean 'via'?"});
}

TEST_CASE("anchors, aliases and merge keys work in a file") {
  const Config config = good(load_text(R"(listen: 127.0.0.1:1
upstreams:
  a: &a
    endpoints: [http://a]
    timeouts: {connect: 5s}
  b:
    <<: *a
    endpoints: [http://b]
)"));
  CHECK(config.upstreams[1].endpoints[0].url == "http://b");
  CHECK(config.upstreams[1].timeouts.connect == 5s);
}

TEST_CASE("a variable cannot bring in structure") {
  const LoadResult result = load({.name = "f",
                                  .text = "listen: ${ADDRESS}\nupstreams: {a: http://a}\n",
                                  .environment = {{"ADDRESS", "127.0.0.1:1\nadmin: {address: 0.0.0.0:1}"}}});
  REQUIRE(result.errors.size() == 1);
  CHECK(result.errors[0].key_path == "listen");
}

TEST_CASE("a file that is no YAML is one error with its place") {
  const LoadResult result = load_text("listen: [\n");
  CHECK_FALSE(result.config);
  REQUIRE(result.errors.size() == 1);
  CHECK(result.errors[0].line == 2);
}

// Each upstream falls back to the next, in rings of `ring`.
std::string rings(int count, int ring) {
  std::string text = "listen: 127.0.0.1:1\nupstreams:\n";
  for (int i = 0; i < count; ++i) {
    const std::string next = std::to_string(i % ring == ring - 1 ? i - ring + 1 : i + 1);
    text +=
        "  u" + std::to_string(i) + ": {endpoints: ['http://h:1'], fallback: {chain: [{upstream: u" + next + "}]}}\n";
  }
  return text;
}

TEST_CASE("a hundred fallbacks in a row are followed, each to the end") {
  const LoadResult result = load_text(rings(400, 100));
  REQUIRE(result.errors.size() == 400);
  CHECK(result.errors[0].message.find("a cycle of fallbacks: u0 -> u1 -> u2 -> ") == 0);
}

TEST_CASE("more fallbacks in a row are refused as such") {
  const LoadResult result = load_text(rings(2000, 2000));
  REQUIRE(result.errors.size() == 2000);
  CHECK(result.errors[0].message == "leads through more than 100 upstreams");
}

}  // namespace
}  // namespace fusewire::config
