// SPDX-License-Identifier: Apache-2.0
#include "config/shape.hpp"

#include "support.hpp"

namespace fusewire::config {
namespace {

Lines errors_with(const std::string& section) { return lines_of(load_with(section).errors); }
Lines errors_of_upstream(const std::string& keys) { return lines_of(load_upstream(keys).errors); }

TEST_CASE("an unknown key is an error at the key, with the nearest one") {
  CHECK(errors_with("log: {levle: info}\n") == Lines{"f:4:7: log.levle: unknown key; did you mean 'level'?"});
  CHECK(errors_of_upstream("    timeouts: {conect: 1s}\n") ==
        Lines{"f:5:16: upstreams.orders.timeouts.conect: unknown key; did you mean 'connect'?"});
}

TEST_CASE("an unknown key that is near to none lists what is expected") {
  CHECK(errors_with("shutdown: {bananas: 1}\n") ==
        Lines{"f:4:12: shutdown.bananas: unknown key; expected one of: drain_timeout, grace"});
}

TEST_CASE("a value of the wrong kind says what was expected") {
  CHECK(errors_with("log: [info]\n") == Lines{"f:4:6: log: expected a map, found a list"});
  CHECK(errors_with("log:\n") == Lines{"f:5:1: log: expected a map, found nothing"});
  CHECK(errors_with("via: {}\n") == Lines{"f:4:6: via: expected a single value, found a map"});
  CHECK(errors_with("admin: {allowed_hosts: a}\n") ==
        Lines{"f:4:24: admin.allowed_hosts: expected a list, found a single value; write […]"});
  CHECK(
      errors_of_upstream("    circuit_breaker: {detection: {failure_rate: 0.5}}\n") ==
      Lines{"f:5:49: upstreams.orders.circuit_breaker.detection.failure_rate: expected a map or 'off', found a single "
            "value; write {threshold: 0.5}"});
  CHECK(lines_of(load_text("- a\n").errors) == Lines{"f:1:1: expected a map, found a list"});
  CHECK(lines_of(load_text("just words\n").errors) ==
        Lines{"f:1:1: expected a map, found a single value; is a ': ' missing?"});
}

TEST_CASE("a secret in the wrong place is not repeated") {
  for (const std::string& line : errors_with("admin: s3cret\n")) CHECK(line.find("s3cret") == std::string::npos);
}

struct Unbuilt {
  std::string key;
  std::string line;
};

TEST_CASE("a key of an upstream that is not built is refused as that, and not as unknown") {
  for (const Unbuilt& c : std::vector<Unbuilt>{
           {"read_only_when_open: true", "read_only_when_open: not supported yet; only 'false' is"},
           {"fallback: {chain: [{queue: {size: 1}}]}", "fallback.chain.0.queue: not supported yet"},
           {"fallback: {chain: [queue]}", "fallback.chain.0: not supported yet"},
       }) {
    CAPTURE(c.key);
    const Lines errors = errors_of_upstream("    " + c.key + "\n");
    REQUIRE(errors.size() == 1);
    CHECK(errors[0].ends_with(": upstreams.orders." + c.line));
  }
}

TEST_CASE("a key of the file or of a route that is not built is refused as that") {
  for (const Unbuilt& c : std::vector<Unbuilt>{
           {"state: {file: /x}", "state: not supported yet; only 'off' is"},
           {"fleet: {redis: x}", "fleet: not supported yet; only 'off' is"},
       }) {
    CAPTURE(c.key);
    CHECK(errors_with(c.key + "\n").at(0).ends_with(c.line));
  }
  const Lines errors = lines_of(load_text(R"(upstreams: {a: http://a}
listeners:
  - address: 127.0.0.1:1
    limits: {}
    routes:
      - upstream: a
        split: {a: 1}
        requires: [a]
        rewrite: {strip_prefix: /v1}
        request_headers: {set: {a: b}}
        response_headers: {remove: [a]}
        match: {path_regex: .*}
)")
                                    .errors);
  CHECK(errors == Lines{"f:7:9: listeners.0.routes.0.split: not supported yet",
                        "f:8:9: listeners.0.routes.0.requires: not supported yet; only '[]' is",
                        "f:9:19: listeners.0.routes.0.rewrite.strip_prefix: not supported yet",
                        "f:10:27: listeners.0.routes.0.request_headers.set: not supported yet; only '{}' is",
                        "f:11:28: listeners.0.routes.0.response_headers.remove: not supported yet; only '[]' is",
                        "f:12:17: listeners.0.routes.0.match.path_regex: not supported yet"});
}

TEST_CASE("what is not built may be said to be off") {
  good_upstream(R"(    health_check: off
    read_only_when_open: false
    limits: {adaptive_concurrency: false}
    cache: {serve: on_error}
)");
  good(load_with("state: off\ntracing: off\nevents: {webhooks: []}\n"));
}

TEST_CASE("a short form has the path of what was written") {
  CHECK(lines_of(load_text("listen: 127.0.0.1:1\nupstreams: {a: ftp://x}\n").errors) ==
        Lines{"f:2:16: upstreams.a: expected http://HOST[:PORT], https://HOST[:PORT] or unix:/path; found 'ftp://x'"});
  CHECK(errors_of_upstream("    fallback: {chain: [cachee]}\n") ==
        Lines{"f:5:24: upstreams.orders.fallback.chain.0: unknown key; did you mean 'cache'?"});
}

TEST_CASE("all errors come at once") {
  CHECK(errors_with("via: {}\nlog: {level: loud}\nbananas: 1\nshutdown: {grace: 5}\n").size() == 4);
}

}  // namespace
}  // namespace fusewire::config
