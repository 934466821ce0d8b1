// SPDX-License-Identifier: Apache-2.0
// Routes with a breaker or limits of their own.
#include "config/route_states.hpp"

#include "support.hpp"

namespace fusewire::config {
namespace {

// `upstream`: keys of the only upstream; `routes`: the list, a line each.
LoadResult load_routes(const std::string& upstream, const std::string& routes) {
  return load_text("upstreams:\n  orders: {endpoints: [http://127.0.0.1:9000]" + upstream +
                   "}\nlisteners:\n  - address: 127.0.0.1:8080\n    routes:\n" + routes);
}

std::vector<Route> routes_of(const LoadResult& result) { return good(result).listeners[0].routes; }

TEST_CASE("a route's circuit_breaker is merged over its upstream's, key by key") {
  const LoadResult result = load_routes(
      ", circuit_breaker: {transitions: {open_timeout: 7s}, detection: {minimum_calls: 8}}",
      "      - {name: read, upstream: orders, circuit_breaker: {scope: route, detection: {failure_rate: off}}}\n");
  const Route route = routes_of(result)[0];
  REQUIRE(route.circuit_breaker);
  CHECK(route.circuit_breaker->scope == Scope::route);
  CHECK(route.circuit_breaker->transitions.open_timeout == 7s);
  CHECK(route.circuit_breaker->detection.minimum_calls == 8);
  CHECK_FALSE(route.circuit_breaker->detection.failure_rate);
  CHECK(has_own_breaker(route, result.config->upstreams[0]));
}

TEST_CASE("scope: route under an upstream holds for all of its routes") {
  const LoadResult result =
      load_routes(", circuit_breaker: {scope: route}",
                  "      - {name: read, match: {path_prefix: /r}, upstream: orders}\n"
                  "      - {name: write, upstream: orders, circuit_breaker: {preset: lenient}}\n");
  for (const Route& route : routes_of(result)) CHECK(has_own_breaker(route, result.config->upstreams[0]));
  CHECK(routes_of(result)[1].circuit_breaker->detection.minimum_calls == 20);
}

TEST_CASE("a circuit_breaker under a route without scope: route is an error") {
  CHECK(
      lines_of(
          load_routes("", "      - {name: read, upstream: orders, circuit_breaker: {preset: lenient}}\n").errors) ==
      Lines{"f:6:57: listeners.0.routes.0.circuit_breaker: a route has a circuit_breaker only with scope: route, here "
            "or under its upstream"});
}

TEST_CASE("a route's breaker may be probed by the proxy itself") {
  CHECK(load_routes(", circuit_breaker: {scope: route, recovery: {probe: {type: active, path: /healthz}}}",
                    "      - {name: read, upstream: orders}\n")
            .errors.empty());
}

TEST_CASE("a route with a breaker or limits of its own needs a name that can stand in theirs") {
  const std::string wanted = " needs a name for the route, made of letters, digits, '.', '_' and '-'";
  CHECK(lines_of(load_routes(", circuit_breaker: {scope: route}", "      - {upstream: orders}\n").errors) ==
        Lines{"f:6:9: listeners.0.routes.0: scope: route" + wanted});
  CHECK(lines_of(load_routes("", "      - {upstream: orders, limits: {rate: {}}}\n").errors) ==
        Lines{"f:6:9: listeners.0.routes.0: limits under a route" + wanted});
  CHECK(lines_of(load_routes("", "      - {name: a/b, upstream: orders, limits: {rate: {}}}\n").errors) ==
        Lines{"f:6:16: listeners.0.routes.0.name: limits under a route" + wanted + ", found 'a/b'"});
  CHECK(load_routes("", "      - {name: a/b, upstream: orders}\n").errors.empty());
}

TEST_CASE("routes of one name and upstream share breaker and limits, so their settings are the same") {
  const std::string same = "      - {name: read, match: {path: /a}, upstream: orders, limits: {rate: {burst: 5}}}\n";
  CHECK(load_routes("", same + same).errors.empty());
  CHECK(
      lines_of(load_routes("", same + "      - {name: read, upstream: orders, limits: {rate: {burst: 6}}}\n").errors) ==
      Lines{
          "f:7:48: listeners.0.routes.1.limits: this route and listeners.0.routes.0 have one name and one upstream, so "
          "they share limits: it must be the same"});
  const std::string scoped =
      "      - {name: read, match: {path: /a}, upstream: orders, circuit_breaker: {scope: route}}\n";
  const Lines errors = lines_of(
      load_routes("",
                  scoped + "      - {name: read, upstream: orders, circuit_breaker: {scope: route, mode: shadow}}\n")
          .errors);
  REQUIRE(errors.size() == 1);
  CHECK(errors[0].ends_with("so they share circuit_breaker: it must be the same"));
}

TEST_CASE("limits under a route are off until they are written, and do not take those of the upstream") {
  const LoadResult result = load_routes(", limits: {rate: {}, max_concurrent_requests: 5}",
                                        "      - {name: read, upstream: orders, limits: {queue: {size: 3}}}\n");
  const RouteLimits limits = routes_of(result)[0].limits;
  CHECK_FALSE(limits.rate);
  CHECK_FALSE(limits.max_concurrent_requests);
  CHECK(limits.queue->size == 3);
  CHECK_FALSE(routes_of(load_routes("", "      - {upstream: orders, limits: {max_concurrent_requests: off}}\n"))[0]
                  .limits.max_concurrent_requests);
}

TEST_CASE("the bounds of an adaptive limit are in order") {
  const auto errors = [](const std::string& keys) {
    return lines_of(
        load_routes(", limits: {adaptive_concurrency: " + keys + "}", "      - {upstream: orders}\n").errors);
  };
  CHECK(errors("{}").empty());
  CHECK(errors("{min_limit: 1, initial_limit: 1, max_limit: 1}").empty());
  const std::string at = "f:2:79: upstreams.orders.limits.adaptive_concurrency: ";
  CHECK(errors("{min_limit: 9, max_limit: 8}") == Lines{at + "min_limit, 9, is above max_limit, 8"});
  CHECK(errors("{min_limit: 21}") == Lines{at + "min_limit, 21, is above initial_limit, 20"});
  CHECK(errors("{max_limit: 10}") == Lines{at + "initial_limit, 20, is above max_limit, 10"});
}

}  // namespace
}  // namespace fusewire::config
