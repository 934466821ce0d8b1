// SPDX-License-Identifier: Apache-2.0
#include "config/route_warnings.hpp"

#include "support.hpp"

namespace fusewire::config {
namespace {

Lines warnings_of(const std::string& text) {
  const LoadResult result = load_text(text);
  good(result);
  return lines_of(result.warnings);
}

// Two routes to one upstream; the second match begins in line 6.
Lines warnings_of_two(const std::string& first, const std::string& second) {
  return warnings_of("upstreams: {a: http://a}\nlisteners:\n  - address: 127.0.0.1:1\n    routes:\n      - {match: {" +
                     first + "}, upstream: a}\n      - {match: {" + second + "}, upstream: a}\n");
}
bool is_shadowed(const std::string& first, const std::string& second) {
  const Lines warnings = warnings_of_two(first, second);
  if (warnings.empty()) return false;
  CHECK(warnings ==
        Lines{"f:6:9: listeners.0.routes.1: this route is never reached: routes.0 takes all that it matches"});
  return true;
}

TEST_CASE("a route behind one that takes everything is a trap") {
  for (const char* all : {"", "path_prefix: /"})
    for (const char* later : {"", "host: a", "path: /x", "path_prefix: /x/", "methods: [GET]", "headers: {a: b}"}) {
      CAPTURE(all);
      CAPTURE(later);
      CHECK(is_shadowed(all, later));
      if (later != std::string()) CHECK_FALSE(is_shadowed(later, all));
    }
}

TEST_CASE("a queue whose priorities every client may write is a trap") {
  const auto warnings = [](const std::string& queue, const std::string& trust, const std::string& route = "") {
    return warnings_of("upstreams: {a: {endpoints: [http://a], limits: {" + queue +
                       "}}}\nlisteners:\n  - address: 127.0.0.1:1\n    routes: [{upstream: a" + route + "}]\n" + trust);
  };
  const std::string trusted = "    trust_forwarded: [10.0.0.0/8]\n";
  const std::string text =
      "any client goes before all others in the queue by a number in x-priority: name the peers whose word counts in "
      "trust_forwarded of the listener, or set priority_header: off";
  CHECK(warnings("queue: {size: 5}", "") == Lines{"f:1:56: upstreams.a.limits.queue: " + text});
  CHECK(warnings("queue: {size: 5}", trusted).empty());
  CHECK(warnings("queue: {priority_header: off}", "").empty());
  CHECK(warnings("", "").empty());
  const std::string own = ", name: r, limits: {queue: {size: 5}}";
  CHECK(warnings("", "", own) == Lines{"f:4:53: listeners.0.routes.0.limits.queue: " + text});
  CHECK(warnings("", trusted, own).empty());
}

TEST_CASE("a method that is never forwarded is a trap") {
  for (const std::string method : {"CONNECT", "TRACE"})
    CHECK(warnings_of_two("path: /x, methods: [GET, " + method + "]", "path: /y") ==
          Lines{"f:5:43: listeners.0.routes.0.match.methods.1: no request with this method is ever forwarded: CONNECT "
                "and TRACE are answered with 405"});
}

TEST_CASE("a prefix takes all below it, by segments") {
  CHECK(is_shadowed("path_prefix: /v1", "path_prefix: /v1/x"));
  CHECK(is_shadowed("path_prefix: /v1", "path_prefix: /v1/"));
  CHECK(is_shadowed("path_prefix: /v1", "path_prefix: /v1"));
  CHECK(is_shadowed("path_prefix: /v1/", "path_prefix: /v1/x"));
  CHECK(is_shadowed("path_prefix: /v1", "path: /v1"));
  CHECK(is_shadowed("path_prefix: /v1", "path: /v1/x/y"));
  CHECK(is_shadowed("path: /v1", "path: /v1, methods: [PUT]"));
  CHECK(is_shadowed("path: /v1/", "path: /v1/"));
  CHECK(is_shadowed("path: /", "path: /, host: a"));
  CHECK_FALSE(is_shadowed("path_prefix: /v1", "path_prefix: /v10"));
  CHECK_FALSE(is_shadowed("path_prefix: /v1", "path: /v10"));
  CHECK_FALSE(is_shadowed("path_prefix: /v1/x", "path_prefix: /v1"));
  CHECK_FALSE(is_shadowed("path: /v1", "path_prefix: /v1"));
}

TEST_CASE("host, methods and fields have to leave nothing to the later route") {
  CHECK(is_shadowed("host: a", "host: A, path: /x"));
  CHECK_FALSE(is_shadowed("host: a", "host: b"));
  CHECK(is_shadowed("methods: [GET, HEAD]", "methods: [HEAD]"));
  CHECK_FALSE(is_shadowed("methods: [GET]", "methods: [GET, PUT]"));
  CHECK(is_shadowed("headers: {a: x}", "headers: {b: y, A: x}"));
  CHECK_FALSE(is_shadowed("headers: {a: x}", "headers: {a: y}"));
  CHECK_FALSE(is_shadowed("headers: {a: x, b: y}", "headers: {a: x}"));
}

TEST_CASE("thousands of routes for one path are not compared each with each") {
  std::string text = "upstreams: {a: http://a}\nlisteners:\n  - address: 127.0.0.1:1\n    routes:\n";
  for (int i = 0; i < 3000; ++i)
    text += "      - {match: {path_prefix: /v1, headers: {n: x" + std::to_string(i) + "}}, upstream: a}\n";
  CHECK(warnings_of(text).empty());
}

TEST_CASE("several upstreams without routes are chosen by Host alone, and the warning names them") {
  const std::string why =
      "there are several upstreams and no routes: a request goes to the upstream that its Host names (a, b), and any "
      "other Host gets 404; 'routes' can say otherwise";
  CHECK(warnings_of("listen: 127.0.0.1:1\nupstreams: {a: http://a, b: http://b}\n") == Lines{"f:1:9: listen: " + why});
  CHECK(warnings_of("listeners: [{address: 127.0.0.1:1}]\nupstreams: {a: http://a, b: http://b}\n") ==
        Lines{"f:1:13: listeners.0: " + why});
  CHECK(warnings_of("listen: 127.0.0.1:1\nupstreams: {a: http://a}\n").empty());
}

TEST_CASE("an upstream that nothing uses is a trap; a fallback and a route's own fallback are uses") {
  const std::string why = "nothing uses this upstream: no route leads to it, and no fallback of one that is used";
  CHECK(warnings_of(R"(
listeners: [{address: 127.0.0.1:1, routes: [{upstream: a, fallback: {chain: [{upstream: c}]}}, {match: {host: h}, upstream: b}]}]
upstreams:
  a: {endpoints: [http://a], fallback: {chain: [{upstream: e}]}}
  b: {endpoints: [http://b], fallback: {chain: [{upstream: d}]}}
  c: http://c
  d: http://d
  e: {endpoints: [http://e], fallback: {chain: [{upstream: f}]}}
  f: http://f
)") == Lines{"f:2:96: listeners.0.routes.1: this route is never reached: routes.0 takes all that it matches",
             "f:8:6: upstreams.e: " + why, "f:9:6: upstreams.f: " + why});
}

}  // namespace
}  // namespace fusewire::config
