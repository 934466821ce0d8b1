// SPDX-License-Identifier: Apache-2.0
#include "config/overrides.hpp"

#include "support.hpp"

namespace fusewire::config {
namespace {

const char* const kFile = R"(listen: 127.0.0.1:8080
defaults: {timeouts: {connect: 2s}}
upstreams:
  orders: http://127.0.0.1:9000
  a-b: http://127.0.0.1:9001
  a.b: {endpoints: [http://127.0.0.1:9002], timeouts: {connect: 3s}}
)";

LoadResult with_environment(Environment environment) {
  return load({.name = "f", .text = kFile, .environment = std::move(environment)});
}
LoadResult with_settings(std::vector<std::string> settings) {
  return load({.name = "f", .text = kFile, .set = std::move(settings)});
}

TEST_CASE("the environment wins over the file, and the command line over both") {
  const LoadResult result = load({.name = "f",
                                  .text = kFile,
                                  .environment = {{"FUSEWIRE__UPSTREAMS__ORDERS__TIMEOUTS__CONNECT", "4s"},
                                                  {"FUSEWIRE__UPSTREAMS__ORDERS__TIMEOUTS__IDLE", "5s"}},
                                  .set = {"upstreams.orders.timeouts.idle=6s"}});
  const Timeouts timeouts = good(result).upstreams[0].timeouts;
  CHECK(timeouts.connect == 4s);
  CHECK(timeouts.idle == 6s);
}

TEST_CASE("an override of `defaults` reaches the upstreams that say nothing themselves") {
  const Config config = good(with_environment({{"FUSEWIRE__DEFAULTS__TIMEOUTS__CONNECT", "9s"}}));
  CHECK(config.upstreams[0].timeouts.connect == 9s);
  CHECK(config.upstreams[2].timeouts.connect == 3s);
}

TEST_CASE("variables with one underscore, and others, are nobody's business here") {
  good(with_environment({{"FUSEWIRE_TOKEN", "x"}, {"FUSEWIRE_CONFIG", "y"}, {"PATH", "/bin"}, {"FUSE", "z"}}));
}

TEST_CASE("the prefix is case-blind too") { CHECK(good(with_environment({{"fusewire__via", "me"}})).via == "me"); }

TEST_CASE("a variable sets a key deep inside an upstream") {
  const LoadResult result =
      with_environment({{"FUSEWIRE__UPSTREAMS__ORDERS__CIRCUIT_BREAKER__TRANSITIONS__OPEN_TIMEOUT", "10s"}});
  CHECK(good(result).upstreams[0].circuit_breaker.transitions.open_timeout == 10s);
}

TEST_CASE("a key that the file does not have is made, and a detector that is off is switched on") {
  const Config config = good(with_settings({"upstreams.orders.circuit_breaker.detection.failure_count.threshold=7",
                                            "upstreams.orders.circuit_breaker.detection.failure_rate=off",
                                            "upstreams.orders.circuit_breaker.detection.failure_rate.threshold=0.25"}));
  CHECK(config.upstreams[0].circuit_breaker.detection.failure_count->threshold == 7);
  CHECK(config.upstreams[0].circuit_breaker.detection.failure_rate == 0.25);
}

TEST_CASE("a value in brackets, braces or quotes is YAML, any other is taken as it stands") {
  const Config config =
      good(with_settings({"admin.allowed_hosts=[a.local, \"b.local\"]",
                          "upstreams.orders.timeouts={connect: 7s, idle: 8s}", "admin.token=abc#def:{", "via='me'"}));
  CHECK(config.admin.allowed_hosts == Lines{"a.local", "b.local"});
  CHECK(config.upstreams[0].timeouts.connect == 7s);
  CHECK(config.admin.token == "abc#def:{");
  CHECK(config.via == "me");
}

TEST_CASE("a whole map of the environment is set before the keys inside it") {
  const Config config =
      good(with_environment({{"FUSEWIRE__LOG__LEVEL", "debug"}, {"FUSEWIRE__LOG", "{format: text}"}}));
  CHECK(config.log.level == LogLevel::debug);
  CHECK(config.log.format == LogFormat::text);
}

TEST_CASE("an upstream can be pointed elsewhere in its short form and then refined") {
  const Config config = good(with_settings(
      {"upstreams.orders=http://10.0.0.1:80", "upstreams.orders.timeouts.connect=1s", "upstreams={n: 'http://n'}"}));
  REQUIRE(config.upstreams.size() == 1);
  CHECK(config.upstreams[0].endpoints[0].url == "http://n");
}

TEST_CASE("an item of a list is replaced by its position") {
  CHECK(good(with_settings({"upstreams.a.b.endpoints.0=http://x:1"})).upstreams[2].endpoints[0].url == "http://x:1");
}

TEST_CASE("of a variable's value nothing is substituted") {
  const LoadResult result = with_environment({{"FUSEWIRE__ADMIN__TOKEN", "${HOME}"}, {"HOME", "/root"}});
  CHECK(good(result).admin.token == "${HOME}");
}

TEST_CASE("a variable with one underscore too few is an error that spells it right") {
  CHECK(lines_of(with_environment({{"FUSEWIRE__LOG_LEVEL", "debug"}}).errors) ==
        Lines{"environment: FUSEWIRE__LOG_LEVEL: unknown key; did you mean FUSEWIRE__LOG__LEVEL?"});
}

TEST_CASE("an override that fits two keys is an error") {
  CHECK(lines_of(with_environment({{"FUSEWIRE__UPSTREAMS__A_B__DNS_REFRESH", "1s"}}).errors) ==
        Lines{"environment: FUSEWIRE__UPSTREAMS__A_B__DNS_REFRESH: ambiguous; it fits upstreams.a-b.dns_refresh and "
              "upstreams.a.b.dns_refresh"});
}

TEST_CASE("two variables for one key are an error") {
  CHECK(lines_of(with_environment({{"FUSEWIRE__VIA", "a"}, {"fusewire__via", "b"}}).errors) ==
        Lines{"environment: via: set by both FUSEWIRE__VIA and fusewire__via"});
}

TEST_CASE("an unknown override is an error with the nearest key") {
  CHECK(lines_of(with_environment({{"FUSEWIRE__UPSTREAMS__ORDRES", "x"}}).errors) ==
        Lines{"environment: FUSEWIRE__UPSTREAMS__ORDRES: unknown key 'ordres' in 'upstreams'; did you mean 'orders'?"});
  CHECK(lines_of(with_settings({"log.levle=info"}).errors) ==
        Lines{"--set: log.levle: unknown key 'levle' in 'log'; did you mean 'level'?"});
  CHECK(lines_of(with_settings({"lgo=x"}).errors) == Lines{"--set: lgo: unknown key 'lgo'; did you mean 'log'?"});
}

TEST_CASE("an item that is not there is an error with those that are") {
  CHECK(
      lines_of(with_settings({"upstreams.a.b.endpoints.2=http://x"}).errors) ==
      Lines{
          "--set: upstreams.a.b.endpoints.2: no item '2': 'upstreams.a.b.endpoints' has one item, 0 in the file; more "
          "are set with the whole list: upstreams.a.b.endpoints=[…]"});
  CHECK(
      lines_of(with_settings({"listeners.1.name=x"}).errors) ==
      Lines{
          "--set: listeners.1.name: no item '1': 'listeners' has one item, 0 in the file; more are set with the whole "
          "list: listeners=[…]"});
  CHECK(lines_of(with_environment({{"FUSEWIRE__ADMIN__ALLOWED_HOSTS__0", "x"}}).errors)
            .at(0)
            .find("'admin.allowed_hosts' has no items in the file") != std::string::npos);
}

TEST_CASE("the listener of `listen` is overridden like the first of a list") {
  const Config config = good(load({.name = "f",
                                   .text = kFile,
                                   .environment = {{"FUSEWIRE__LISTENERS__0__ADDRESS", "127.0.0.1:8081"}},
                                   .set = {"listeners.0.limits.max_fields=7", "listeners.0.name=front"}}));
  REQUIRE(config.listeners.size() == 1);
  CHECK(config.listeners[0].address.port == 8081);
  CHECK(config.listeners[0].limits.max_fields == 7);
  CHECK(config.listeners[0].name == "front");
  CHECK(config.listeners[0].routes.size() == 3);
}

TEST_CASE("`listen` itself is overridden, beside the keys of its listener too, and the later wins") {
  CHECK(good(with_settings({"listen=127.0.0.1:1"})).listeners[0].address.port == 1);
  const Config config = good(load({.name = "f",
                                   .text = kFile,
                                   .environment = {{"FUSEWIRE__LISTENERS__0__ADDRESS", "127.0.0.1:2"}},
                                   .set = {"listeners.0.name=front", "listen=127.0.0.1:3"}}));
  REQUIRE(config.listeners.size() == 1);
  CHECK(config.listeners[0].address.port == 3);
  CHECK(config.listeners[0].name == "front");
  CHECK(
      lines_of(
          with_environment({{"FUSEWIRE__LISTEN", "127.0.0.1:1"}, {"FUSEWIRE__LISTENERS__0__ADDRESS", "a:2"}}).errors) ==
      Lines{"environment: listeners.0.address: set by both FUSEWIRE__LISTEN and FUSEWIRE__LISTENERS__0__ADDRESS"});
}

TEST_CASE("a listener that only an override names has keys of its own") {
  const std::string text = "upstreams: {a: http://a}\n";
  const LoadResult result =
      load({.name = "f", .text = text, .set = {"listen=127.0.0.1:1", "listeners.0.limits.max_fields=7"}});
  CHECK(good(result).listeners[0].address.port == 1);
  CHECK(good(result).listeners[0].limits.max_fields == 7);
}

TEST_CASE("a list of listeners replaces `listen`, but `listen` does not replace a list") {
  CHECK(good(with_settings({"listeners=[{address: 127.0.0.1:4}]"})).listeners[0].address.port == 4);
  const LoadResult result = load({.name = "f",
                                  .text = "listeners: [{address: 127.0.0.1:1}]\nupstreams: {a: http://a}\n",
                                  .set = {"listen=127.0.0.1:2"}});
  CHECK(lines_of(result.errors) == Lines{"--set: listen: 'listen' and 'listeners' exclude each other"});
}

TEST_CASE("a bad address of `listen` is reported for the key that was written") {
  CHECK(lines_of(with_settings({"listen=x", "log.level=info"}).errors) ==
        Lines{"--set: listen: expected HOST:PORT, [IPv6]:PORT or unix:/path; found 'x'"});
}

TEST_CASE("a setting without '=' is an error that does not repeat it") {
  CHECK(lines_of(with_settings({"admin.token secret"}).errors) == Lines{"--set: expected key.path=value"});
}

TEST_CASE("a bad value is an error of its key, with where it came from") {
  CHECK(lines_of(with_environment({{"FUSEWIRE__LOG__LEVEL", "loud"}}).errors)
            .at(0)
            .starts_with("environment: log.level: unknown value <from FUSEWIRE__LOG__LEVEL>"));
  CHECK(lines_of(with_settings({"log=x"}).errors) ==
        Lines{"--set: log: expected a map, found a single value; write {level: …}"});
  CHECK(lines_of(with_settings({"log={levle: info}"}).errors) ==
        Lines{"--set: log.levle: unknown key; did you mean 'level'?"});
  CHECK(lines_of(with_settings({"log={level: info, level: warn}"}).errors) == Lines{"--set: log.level: duplicate key"});
  CHECK(lines_of(with_settings({"log=[1"}).errors) ==
        Lines{"--set: log: a key must be a plain word; is a bracket left open?"});
  CHECK(lines_of(with_settings({"log={a: b: c}"}).errors).at(0).starts_with("--set: log: not valid YAML: "));
  CHECK(lines_of(with_settings({"via=\xff"}).errors) == Lines{"--set: via: not valid UTF-8"});
}

TEST_CASE("a key that is not built is refused in an override, whatever follows it") {
  CHECK(lines_of(with_settings({"state.file=x"}).errors) == Lines{"--set: state: not supported yet; only 'off' is"});
  CHECK(lines_of(with_environment({{"FUSEWIRE__STATE__FILE", "x"}}).errors) ==
        Lines{"environment: state: not supported yet; only 'off' is"});
  good(with_settings({"state=off"}));
}

TEST_CASE("an override below something that is wrong in the file adds no second error") {
  const LoadResult result =
      load({.name = "f", .text = "listen: 127.0.0.1:1\nupstreams: {a: http://a}\nlog: 5\n", .set = {"log.level=info"}});
  CHECK(lines_of(result.errors) == Lines{"f:3:6: log: expected a map, found a single value; write {level: 5}"});
}

TEST_CASE("merging under a map adds what it does not say, and never changes what it says") {
  const Config config = good(load_text(R"(
listen: 127.0.0.1:1
defaults:
  circuit_breaker: {detection: {failure_rate: {threshold: 0.2}, slow_call_rate: off, consecutive_failures: off}}
  fallback: {on: [timeout], chain: [cache]}
upstreams:
  a:
    endpoints: [http://a]
    circuit_breaker: {detection: {slow_call_rate: {slower_than: 1s}, consecutive_failures: {threshold: 9}}}
    fallback: {chain: []}
)"));
  const Upstream& a = config.upstreams[0];
  CHECK(a.circuit_breaker.detection.failure_rate == 0.2);
  CHECK(a.circuit_breaker.detection.slow_call_rate->slower_than == 1s);
  CHECK(a.circuit_breaker.detection.consecutive_failures->threshold == 9);
  CHECK(a.fallback.chain.empty());
  CHECK(a.fallback.on.timeout);
  CHECK_FALSE(a.fallback.on.reset);
}

}  // namespace
}  // namespace fusewire::config
