// SPDX-License-Identifier: Apache-2.0
#include "support.hpp"

namespace fusewire::config {
namespace {

const std::string kUpstreams = "upstreams: {a: http://a, b: http://b}\n";  // line 1

LoadResult load_listener(const std::string& keys) { return load_text(kUpstreams + "listeners:\n  - " + keys + "\n"); }
Lines errors_of(const std::string& keys) { return lines_of(load_listener(keys).errors); }
Route good_route(const std::string& keys) {
  return good(load_listener("{address: 127.0.0.1:1, routes: [{" + keys + "}]}")).listeners.at(0).routes.at(0);
}
// The one error of a route; its text behind "listeners.0.routes.0".
std::string route_error(const std::string& keys) {
  const Lines errors = errors_of("{address: 127.0.0.1:1, routes: [{" + keys + "}]}");
  REQUIRE(errors.size() == 1);
  const std::string place = "listeners.0.routes.0";
  return errors[0].substr(errors[0].find(place) + place.size());
}

TEST_CASE("`listen` routes everything to the only upstream") {
  const Listener listener = good(load_with("")).listeners.at(0);
  CHECK(listener.name == "main");
  CHECK(listener.address.port == 8080);
  CHECK(listener.limits == ListenerLimits{});
  REQUIRE(listener.routes.size() == 1);
  CHECK(listener.routes[0].match == Match{});
  CHECK(listener.routes[0].upstream == "orders");
}

TEST_CASE("`listen` routes by Host when there are several upstreams") {
  const Listener listener = good(load_text("listen: unix:/in\n" + kUpstreams)).listeners.at(0);
  CHECK(listener.address.path == "/in");
  REQUIRE(listener.routes.size() == 2);
  CHECK(listener.routes[1].match.host == "b");
  CHECK(listener.routes[1].upstream == "b");
}

TEST_CASE("a listener without routes routes as `listen` does") {
  CHECK(good(load_listener("address: 127.0.0.1:8080")) == good(load_text("listen: 127.0.0.1:8080\n" + kUpstreams)));
}

TEST_CASE("every key of a listener is read") {
  const Listener listener = good(load_listener(R"(name: in
    address: "[::1]:0"
    trust_forwarded: [10.0.0.0/8, "::1"]
    limits: {max_connections: 1, max_request_line: 1KiB, max_head_bytes: 2KiB, max_fields: 3, max_body: 1MB,
             head_timeout: 4s, body_timeout: 5s, idle_timeout: 6s, send_timeout: 7s, when_full: wait})"))
                                .listeners.at(0);
  CHECK(listener.name == "in");
  CHECK(listener.address.host == "::1");
  CHECK(listener.trust_forwarded.size() == 2);
  CHECK(listener.limits == ListenerLimits{1, 1024, 2048, 3, 1'000'000, 4s, 5s, 6s, 7s, WhenFull::wait});
}

TEST_CASE("a body's limit may be unlimited") {
  CHECK(good(load_listener("{address: 127.0.0.1:1, limits: {max_body: unlimited}}")).listeners[0].limits.max_body ==
        kUnlimited);
  CHECK(errors_of("{address: 127.0.0.1:1, limits: {max_body: lots}}")
            .at(0)
            .ends_with("limits.max_body: expected a size such as 64KiB or 1MB, or unlimited, found 'lots'"));
  CHECK(errors_of("{address: 127.0.0.1:1, limits: {max_head_bytes: unlimited}}")
            .at(0)
            .ends_with(
                "limits.max_head_bytes: expected a size such as 64KiB or 1MB, from 256 to 48KiB, found 'unlimited'"));
}

TEST_CASE("every key of a match is read, names in lower case") {
  const Route route = good_route(
      "name: r, upstream: a, match: {host: A.Local, path_prefix: /v1/, path: /v1/x, methods: [GET, POST], "
      "headers: {X-Canary: 1, x-b: ''}}");
  CHECK(route.name == "r");
  CHECK(route.match.host == "a.local");
  CHECK(route.match.path_prefix == "/v1/");
  CHECK(route.match.path == "/v1/x");
  CHECK(route.match.methods == Lines{"GET", "POST"});
  CHECK(route.match.headers == FieldList{{"x-canary", "1"}, {"x-b", ""}});
  CHECK_FALSE(route.timeouts);
  CHECK_FALSE(route.fallback);
}

TEST_CASE("a route's timeouts and fallback are merged over its upstream's, whose are merged over the defaults") {
  const Config config = good(load_text(R"(
defaults: {timeouts: {idle: 1s}, fallback: {chain: []}}
upstreams: {a: {endpoints: [http://a], timeouts: {connect: 2s}, fallback: {on: [timeout]}}}
listeners:
  - address: 127.0.0.1:1
    routes: [{upstream: a, timeouts: {total: 3s}, fallback: {chain: [cache]}}]
)"));
  const Route& route = config.listeners[0].routes[0];
  CHECK(route.timeouts == Timeouts{.connect = 2s, .idle = 1s, .total = 3s, .adaptive = {}});
  CHECK(route.fallback->chain == std::vector<FallbackStep>{CacheStep{}});
  CHECK(route.fallback->on == config.upstreams[0].fallback.on);
  CHECK(config.upstreams[0].fallback.chain.empty());
}

TEST_CASE("a route without an upstream, or to one that is not there, is an error") {
  CHECK(route_error("name: x") == ".upstream: missing; expected the name of an upstream");
  CHECK(route_error("upstream: c") == ".upstream: no upstream is named 'c'; did you mean 'a'?");
  CHECK(route_error("upstream: a, fallback: {chain: [{upstream: orders}]}") ==
        ".fallback.chain.0.upstream: no upstream is named 'orders'; expected one of: a, b");
}

TEST_CASE("a host is compared in its canonical form") {
  const auto host_of = [](const std::string& written) {
    return good_route("upstream: a, match: {host: '" + written + "'}").match.host;
  };
  CHECK(host_of("X.Example.") == "x.example");
  CHECK(host_of("[2001:DB8:0::1]") == "[2001:db8::1]");
}

TEST_CASE("a field of a match stands there once") {
  CHECK(route_error("upstream: a, match: {headers: {X-A: b, x-a: c}}") ==
        ".match.headers.x-a: a field that comes twice matches nothing: duplicate header name 'x-a'");
}

TEST_CASE("a match that no request could have is an error") {
  CHECK(route_error("upstream: a, match: {host: '::1'}") ==
        ".match.host: expected an IPv6 address in brackets, as in \"[::1]\", found '::1'");
  CHECK(route_error("upstream: a, match: {host: 'a:80'}") == ".match.host: expected a host without port, found 'a:80'");
  CHECK(route_error("upstream: a, match: {path: v1}") ==
        ".match.path: expected a path that begins with '/', without query or spaces, found 'v1'");
  CHECK(route_error("upstream: a, match: {path_prefix: '/a?b'}") ==
        ".match.path_prefix: expected a path that begins with '/', without query or spaces, found '/a?b'");
  CHECK(route_error("upstream: a, match: {methods: [get]}") ==
        ".match.methods.0: expected a method in capitals, such as GET, found 'get'");
  CHECK(route_error("upstream: a, match: {headers: {'a:': x}}") ==
        ".match.headers.a:: expected a header name, found 'a:'");
  CHECK(route_error("upstream: a, match: {methods: [[GET]]}") ==
        ".match.methods.0: expected a single value, found a list");
}

TEST_CASE("a route lets WebSocket through unless it lists other protocols, or none") {
  CHECK(good_route("upstream: a").upgrades == Lines{"websocket"});
  CHECK(good_route("upstream: a, upgrades: [WebSocket, X/1.0]").upgrades == Lines{"websocket", "x/1.0"});
  CHECK(good_route("upstream: a, upgrades: []").upgrades.empty());
  CHECK(good(load_with("")).listeners.at(0).routes.at(0).upgrades == Lines{"websocket"});
}

TEST_CASE("a protocol that is none, or that would carry requests past the proxy, is an error") {
  CHECK(route_error("upstream: a, upgrades: ['web socket']") ==
        ".upgrades.0: expected a protocol such as websocket, found 'web socket'");
  CHECK(route_error("upstream: a, upgrades: ['x/']") ==
        ".upgrades.0: expected a protocol such as websocket, found 'x/'");
  CHECK(route_error("upstream: a, upgrades: [websocket, H2C]") ==
        ".upgrades.1: h2c is HTTP again: its requests would pass every route, limit and breaker unseen");
}

TEST_CASE("an address is needed and checked") {
  CHECK(errors_of("{name: x}") == Lines{"f:3:5: listeners.0.address: missing; expected HOST:PORT or unix:/path"});
  CHECK(errors_of("{address: 8080}") ==
        Lines{"f:3:15: listeners.0.address: expected HOST:PORT, [IPv6]:PORT or unix:/path; found '8080'"});
  CHECK(errors_of("{address: 127.0.0.1:1, name: \"m\\e[31m\"}") ==
        Lines{"f:3:34: listeners.0.name: expected up to 64 letters, digits and '.', '_', '-', found 'm\\u001b[31m'"});
  CHECK(errors_of("{address: 127.0.0.1:1, name: ''}") == Lines{"f:3:34: listeners.0.name: a listener's name is empty"});
  CHECK(errors_of("{address: 127.0.0.1:1, trust_forwarded: [10.0.0.0/99, [x]]}") ==
        Lines{"f:3:46: listeners.0.trust_forwarded.0: expected a prefix length from 0 to 32; found '10.0.0.0/99'",
              "f:3:59: listeners.0.trust_forwarded.1: expected a single value, found a list"});
}

TEST_CASE("an empty list of routes or of listeners is an error") {
  CHECK(errors_of("{address: 127.0.0.1:1, routes: []}") ==
        Lines{"f:3:36: listeners.0.routes: expected at least one route; without the key, everything is routed as with "
              "'listen'"});
  CHECK(lines_of(load_text(kUpstreams + "listeners: []\n").errors) ==
        Lines{"f:2:12: listeners: expected from 1 to 64 listeners"});
}

TEST_CASE("listeners without routes do not multiply without end") {
  std::string text = "upstreams:\n";
  for (int i = 0; i < 2000; ++i) text += "  u" + std::to_string(i) + ": http://h\n";
  text += "listeners:\n";
  for (int i = 0; i < 64; ++i) text += "  - {name: l" + std::to_string(i) + ", address: '127.0.0.1:0'}\n";
  CHECK(lines_of(load_text(text).errors) ==
        Lines{"f:2003:3: listeners: more than 100000 routes, those of listeners without any counted"});
}

TEST_CASE("something must listen, said in one way") {
  CHECK(lines_of(load_text(kUpstreams).errors) ==
        Lines{"f:1:1: listeners: missing; expected 'listen: HOST:PORT' or a list of listeners"});
  CHECK(lines_of(load_text(kUpstreams + "listen: 127.0.0.1:1\nlisteners: [{address: 127.0.0.1:2}]\n").errors) ==
        Lines{"f:2:9: listen: 'listen' and 'listeners' exclude each other"});
  CHECK(lines_of(load_text(kUpstreams + "listen: 80\n").errors) ==
        Lines{"f:2:9: listen: expected HOST:PORT, [IPv6]:PORT or unix:/path; found '80'"});
}

TEST_CASE("a unix socket's mode is octal and in quotes, and a port has none") {
  const auto mode_of = [](const std::string& mode) {
    return good(load_listener("{address: 'unix:/s', mode: " + mode + "}")).listeners[0].mode;
  };
  CHECK(mode_of("\"0660\"") == 0660U);
  CHECK(mode_of("'0000'") == 0U);
  CHECK(mode_of("'0777'") == 0777U);
  CHECK_FALSE(good(load_listener("{address: 'unix:/s'}")).listeners[0].mode);
  for (const std::string bad : {"0660", "'660'", "'0680'", "'1777'", "rw", "'00660'"})
    CHECK(errors_of("{address: 'unix:/s', mode: " + bad + "}")
              .at(0)
              .find("expected a file mode in quotes such as "
                    "\"0660\"") != std::string::npos);
  CHECK(errors_of("{address: 127.0.0.1:1, mode: '0660'}") ==
        Lines{"f:3:34: listeners.0.mode: mode is for unix:/path addresses only"});
}

TEST_CASE("a mode of the environment or the command line needs no quotes") {
  Source source{.name = "f", .text = "listen: unix:/s\nupstreams: {a: http://a}\n", .set = {"listeners.0.mode=0600"}};
  CHECK(good(load(source)).listeners[0].mode == 0600U);
  source.set.clear();
  source.environment = {{"FUSEWIRE__LISTENERS__0__MODE", "0640"}};
  CHECK(good(load(source)).listeners[0].mode == 0640U);
}

TEST_CASE("what a client's FIN means is a word") {
  const auto half_close = [](const std::string& word) {
    return good(load_listener("{address: 127.0.0.1:1, client_half_close: " + word + "}"))
        .listeners[0]
        .client_half_close;
  };
  CHECK(half_close("abort") == HalfClose::abort);
  CHECK(half_close("answer") == HalfClose::answer);
  CHECK(errors_of("{address: 127.0.0.1:1, client_half_close: ignore}") ==
        Lines{"f:3:47: listeners.0.client_half_close: unknown value 'ignore'; expected one of: abort, answer"});
}

TEST_CASE("the Host upstream is a word or a name") {
  CHECK(good_route("upstream: a").host == HostRewrite{});
  CHECK(good_route("upstream: a, rewrite: {host: auto}").host == HostRewrite{});
  CHECK(good_route("upstream: a, rewrite: {host: endpoint}").host.kind == HostRewrite::Kind::endpoint);
  CHECK(good_route("upstream: a, rewrite: {host: 'orders.example:8080'}").host ==
        HostRewrite{HostRewrite::Kind::name, "orders.example:8080"});
  for (const std::string bad : {"'a b'", "http://a", "'a:99999'", "''"})
    CHECK(
        route_error("upstream: a, rewrite: {host: " + bad + "}")
            .starts_with(".rewrite.host: expected auto, preserve, endpoint or a name such as orders.example, found "));
}

TEST_CASE("dot segments are passed on, or refused") {
  CHECK(good_route("upstream: a").normalize == Normalize::none);
  CHECK(good_route("upstream: a, normalize: reject_dot_segments").normalize == Normalize::reject_dot_segments);
  CHECK(route_error("upstream: a, normalize: reject") ==
        ".normalize: unknown value 'reject'; did you mean 'reject_dot_segments'?");
}

}  // namespace
}  // namespace fusewire::config
