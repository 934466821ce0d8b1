// SPDX-License-Identifier: Apache-2.0
#include "support.hpp"

namespace fusewire::config {
namespace {

Lines errors_of(const std::string& text) { return lines_of(load_text(text).errors); }

TEST_CASE("no upstream at all is an error") {
  CHECK(errors_of("listen: 127.0.0.1:1\n") ==
        Lines{"f:1:1: upstreams: missing; expected at least one upstream, such as 'orders: http://127.0.0.1:9000'"});
  CHECK(errors_of("listen: 127.0.0.1:1\nupstreams: {}\n") ==
        Lines{"f:2:12: upstreams: expected at least one upstream"});
}

TEST_CASE("a fallback to an upstream that is not there is an error with the nearest name") {
  CHECK(errors_of(R"(listen: 127.0.0.1:1
upstreams:
  orders: {endpoints: [http://a], fallback: {chain: [{upstream: ordrs-replica}]}}
  orders-replica: http://b
)") == Lines{"f:3:65: upstreams.orders.fallback.chain.0.upstream: no upstream is named 'ordrs-replica'; did you mean "
             "'orders-replica'?"});
}

TEST_CASE("an upstream that falls back to itself is a cycle") {
  CHECK(
      errors_of("listen: 127.0.0.1:1\nupstreams: {a: {endpoints: [http://a], fallback: {chain: [{upstream: a}]}}}\n") ==
      Lines{"f:2:70: upstreams.a.fallback.chain.0.upstream: a cycle of fallbacks: a -> a"});
}

TEST_CASE("a longer cycle is reported at each of its steps, and a step that only leads to it is not one") {
  CHECK(errors_of(R"(listen: 127.0.0.1:1
upstreams:
  a: {endpoints: [http://a], fallback: {chain: [cache, {upstream: b}]}}
  b: {endpoints: [http://b], fallback: {chain: [{upstream: c}]}}
  c: {endpoints: [http://c], fallback: {chain: [{upstream: a}]}}
  d: {endpoints: [http://d], fallback: {chain: [{upstream: a}]}}
)") == Lines{"f:3:67: upstreams.a.fallback.chain.1.upstream: a cycle of fallbacks: a -> b -> c -> a",
             "f:4:60: upstreams.b.fallback.chain.0.upstream: a cycle of fallbacks: b -> c -> a -> b",
             "f:5:60: upstreams.c.fallback.chain.0.upstream: a cycle of fallbacks: c -> a -> b -> c"});
}

TEST_CASE("chains that meet without a circle are fine") {
  good(load_text(R"(listen: 127.0.0.1:1
upstreams:
  a: {endpoints: [http://a], fallback: {chain: [{upstream: b}, {upstream: c}]}}
  b: {endpoints: [http://b], fallback: {chain: [{upstream: c}]}}
  c: http://c
)"));
}

TEST_CASE("a fallback of `defaults` that makes a cycle is reported where it is written") {
  CHECK(errors_of(R"(listen: 127.0.0.1:1
defaults: {fallback: {chain: [{upstream: b}]}}
upstreams: {a: http://a, b: http://b}
)") == Lines{"f:2:42: defaults.fallback.chain.0.upstream: a cycle of fallbacks: b -> b"});
}

TEST_CASE("a route's fallback that leads back to the route's upstream is a cycle") {
  CHECK(errors_of(R"(upstreams:
  a: http://a
  b: {endpoints: [http://b], fallback: {chain: [{upstream: a}]}}
listeners:
  - address: 127.0.0.1:1
    routes:
      - {upstream: a, fallback: {chain: [{upstream: b}]}}
)") == Lines{"f:7:53: listeners.0.routes.0.fallback.chain.0.upstream: a cycle of fallbacks: a -> b -> a"});
}

TEST_CASE("listeners have names and addresses of their own") {
  CHECK(errors_of(R"(upstreams: {a: http://a}
listeners:
  - {name: x, address: 127.0.0.1:1}
  - {name: x, address: 127.0.0.1:1}
)") == Lines{"f:4:12: listeners.1.name: another listener is named 'x'",
             "f:4:24: listeners.1.address: '127.0.0.1:1' is taken by listeners.0.address already"});
  CHECK(errors_of("upstreams: {a: http://a}\nlisteners: [{address: 127.0.0.1:1}, {address: 127.0.0.1:2}]\n") ==
        Lines{"f:2:37: listeners.1: another listener is named 'main'; give this one a name"});
}

TEST_CASE("any number of listeners may ask for any free port") {
  good(load_text("upstreams: {a: http://a}\nlisteners: [{name: x, address: 127.0.0.1:0}, {address: 127.0.0.1:0}]\n"));
}

TEST_CASE("the admin interface never shares an address") {
  CHECK(errors_of("listen: 127.0.0.1:9901\nupstreams: {a: http://a}\n") ==
        Lines{"f:1:1: admin.address: '127.0.0.1:9901' is taken by listen already"});
  CHECK(errors_of("listen: unix:/a\nupstreams: {a: http://a}\nadmin: {address: 'unix:/a', probes: 'unix:/a'}\n") ==
        Lines{"f:3:18: admin.address: 'unix:/a' is taken by listen already",
              "f:3:37: admin.probes: 'unix:/a' is taken by listen already"});
}

TEST_CASE("names are checked beside other errors") {
  CHECK(errors_of(R"(listen: 127.0.0.1:1
upstreams:
  a: {endpoints: 5, fallback: {chain: [[], {upstream: 7}, {upstream: [b]}]}}
log: 5
)")
            .size() == 5);
}

}  // namespace
}  // namespace fusewire::config
