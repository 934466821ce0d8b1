// SPDX-License-Identifier: Apache-2.0
#include <unistd.h>

#include <filesystem>
#include <fstream>

#include "support.hpp"

namespace fusewire::config {
namespace {

Lines errors_of(const std::string& keys) { return lines_of(load_upstream(keys).errors); }

Lines errors_of_upstreams(const std::string& map) {
  return lines_of(load_text("listen: 127.0.0.1:1\nupstreams: " + map + "\n").errors);
}

struct TemporaryFile {
  explicit TemporaryFile(const std::string& content)
      : path(std::filesystem::temp_directory_path() / ("fusewire-config-test-" + std::to_string(::getpid()))) {
    std::ofstream(path, std::ios::binary) << content;
  }
  ~TemporaryFile() { std::filesystem::remove(path); }
  std::filesystem::path path;
};

TEST_CASE("an upstream without more than endpoints has every default") {
  const Upstream upstream = good_upstream("");
  Upstream expected;
  expected.name = "orders";
  expected.endpoints = upstream.endpoints;
  CHECK(upstream == expected);
}

TEST_CASE("an upstream may be its URL alone") {
  CHECK(good(load_with("")).upstreams == std::vector<Upstream>{good_upstream("")});
}

TEST_CASE("endpoints are URLs or maps with a url, in the order of the file") {
  const Config config =
      good(load_text("listen: 127.0.0.1:1\nupstreams: {a: {endpoints: [http://x:1, {url: 'unix:/s'}]}}\n"));
  REQUIRE(config.upstreams[0].endpoints.size() == 2);
  CHECK(config.upstreams[0].endpoints[0].url == "http://x:1");
  CHECK(config.upstreams[0].endpoints[1].address.path == "/s");
}

TEST_CASE("endpoints are needed, and each once") {
  CHECK(errors_of_upstreams("{a: {dns_refresh: 1s}}") ==
        Lines{"f:2:13: upstreams.a.endpoints: missing; expected a list of http://HOST[:PORT], https://HOST[:PORT] or "
              "unix:/path"});
  CHECK(errors_of_upstreams("{a: {endpoints: []}}") ==
        Lines{"f:2:28: upstreams.a.endpoints: expected a list of http://HOST[:PORT], https://HOST[:PORT] or unix:/path "
              "with at least one"});
  CHECK(errors_of_upstreams("{a: {endpoints: [http://x, http://x]}}") ==
        Lines{"f:2:39: upstreams.a.endpoints.1: duplicate endpoint 'http://x'"});
  CHECK(errors_of_upstreams("{a: {endpoints: [{}]}}") ==
        Lines{"f:2:29: upstreams.a.endpoints.0.url: missing; expected http://HOST[:PORT], https://HOST[:PORT] or "
              "unix:/path"});
  CHECK(errors_of_upstreams("{a: {endpoints: [{url: http://x, weight: 0}, {url: http://y, weight: 0}]}}") ==
        Lines{"f:2:28: upstreams.a.endpoints: every endpoint has weight 0: no request could be sent"});
}

TEST_CASE("an endpoint's URL has no path") {
  CHECK(errors_of_upstreams("{a: http://x/v1}") ==
        Lines{"f:2:16: upstreams.a: no path in an endpoint's URL; expected http://x; found 'http://x/v1'"});
}

TEST_CASE("an upstream's name is checked") {
  for (const std::string name : {"orders", "0", "a.b-c_d", "9x"}) {
    CAPTURE(name);
    CHECK(errors_of_upstreams("{'" + name + "': http://x}").empty());
  }
  for (const std::string name : {"Orders", "-a", ".a", "a b", "ä", "", "a/b"}) {
    CAPTURE(name);
    const Lines errors = errors_of_upstreams("{'" + name + "': http://x}");
    REQUIRE(errors.size() == 1);
    CHECK(errors[0].find("an upstream's name is made of a-z, 0-9, '.', '_' and '-'") != std::string::npos);
  }
  CHECK(errors_of_upstreams("{health: http://x}") ==
        Lines{"f:2:13: upstreams.health: an upstream cannot be named 'health' or 'reset'"});
  CHECK(errors_of_upstreams("{reset: http://x}").size() == 1);
}

TEST_CASE("timeouts and limits are read") {
  const Upstream upstream = good_upstream(R"(    dns_refresh: 5s
    timeouts: {connect: 10ms, response: 20ms, idle: 30ms, keep_alive: 35ms, total: 40ms, deadline_header: X-Deadline, tunnel_idle: 50ms}
    limits: {max_connections: 3, max_concurrent_requests: 4, max_head_bytes: 5KiB, max_fields: 6}
    cache: {request_directives: ignore, max_object: 0, store_set_cookie: true, heuristic_fraction: 0}
)");
  CHECK(upstream.dns_refresh == 5s);
  CHECK(upstream.timeouts == Timeouts{10ms, 20ms, 30ms, 35ms, 40ms, "x-deadline", {}, 50ms});
  CHECK(upstream.limits == UpstreamLimits{3, 4, 5 * kKiB, 6, {}, {}, {}});
  CHECK(upstream.cache == Cache{Serve::on_error, RequestDirectives::ignore, 0, true, 0});
}

TEST_CASE("balancing and retries are read") {
  const Upstream upstream =
      good_upstream(R"(    load_balancing: {policy: hash, hash: {by: header, name: X-User}, slow_start: 5s}
    retries: {attempts: 2, on: [timeout, "503"], methods: [GET, POST], per_try_timeout: 1s, backoff: {base: 1ms, max: 2ms}, budget: {ratio: 0.5, min_per_second: 0, window: 5s}, max_body: 1KiB}
)");
  CHECK(upstream.load_balancing == LoadBalancing{BalancingPolicy::hash, {HashKey::By::header, "x-user"}, 5s});
  CHECK(upstream.retries.attempts == 2);
  CHECK(upstream.retries.on.timeout);
  CHECK_FALSE(upstream.retries.on.reset);
  CHECK(upstream.retries.on.has_status(503));
  CHECK(upstream.retries.methods == std::vector<std::string>{"GET", "POST"});
  CHECK(upstream.retries.per_try_timeout == 1s);
  CHECK(upstream.retries.backoff == RetryBackoff{1ms, 2ms});
  CHECK(upstream.retries.budget == RetryBudget{0.5, 0, 5s});
  CHECK(upstream.retries.max_body == kKiB);
}

TEST_CASE("attempts that do not fit into the total are a warning") {
  const auto warnings_of = [](const std::string& keys) { return lines_of(load_upstream(keys).warnings); };
  CHECK(warnings_of("    retries: {attempts: 2, per_try_timeout: 3s}\n    timeouts: {total: 8s}\n") ==
        Lines{"f:5:45: upstreams.orders.retries.per_try_timeout: 3 attempts of 3s do not fit into timeouts.total, 8s"});
  CHECK(warnings_of("    retries: {attempts: 1, per_try_timeout: 3s}\n    timeouts: {total: 8s}\n").empty());
}

TEST_CASE("queue, rate and adaptive timeout are read, and off again") {
  const Upstream upstream = good_upstream(
      R"(    limits: {queue: {size: 2, timeout: 3s, priority_header: X-Urgency}, rate: {requests_per_second: 0.5, burst: 1}}
    timeouts: {adaptive: {percentile: 0.5, multiplier: 1.5, min: 1ms, max: 2s, minimum_samples: 3, window: 4s}}
)");
  CHECK(upstream.limits.queue == Queue{2, 3s, "x-urgency"});
  CHECK(upstream.limits.rate == Rate{0.5, 1});
  CHECK(upstream.timeouts.adaptive == AdaptiveTimeout{0.5, 1.5, 1ms, 2s, 3, 4s});
  CHECK_FALSE(good_upstream("    limits: {queue: off, rate: off}\n").limits.queue);
  CHECK(good_upstream("    limits: {queue: {}}\n").limits.queue == Queue{});
  CHECK(errors_of("    timeouts: {adaptive: {min: 2s, max: 1s}}\n") ==
        Lines{"f:5:26: upstreams.orders.timeouts.adaptive: min, 2s, is above max, 1s"});
  CHECK(errors_of("    limits: {rate: {requests_per_second: 0}}\n").size() == 1);
  CHECK(errors_of("    limits: {queue: 5}\n") ==
        Lines{"f:5:21: upstreams.orders.limits.queue: expected a map or 'off', found a single value; write {size: 5}"});
}

TEST_CASE("a hedge is sent after a duration, or a percentile of the upstream's latency") {
  CHECK_FALSE(good_upstream("").retries.hedge);
  CHECK_FALSE(good_upstream("    retries: {hedge: off}\n").retries.hedge);
  CHECK(good_upstream("    retries: {hedge: {after: 50ms}}\n").retries.hedge == Hedge{{.fixed = 50ms}});
  CHECK(good_upstream("    retries: {hedge: {after: p99}}\n").retries.hedge == Hedge{{.percentile = 99}});
  CHECK(good_upstream("    retries: {hedge: {}}\n").retries.hedge == Hedge{{.percentile = 95}});
  for (const char* bad : {"p49", "p100", "p", "p9x", "95", "0ms", "quick"}) {
    CAPTURE(bad);
    const Lines errors = errors_of("    retries: {hedge: {after: " + std::string(bad) + "}}\n");
    REQUIRE(errors.size() == 1);
    CHECK(errors[0] ==
          "f:5:30: upstreams.orders.retries.hedge.after: expected a duration such as 50ms, or a percentile "
          "from p50 to p99, found '" +
              std::string(bad) + "'");
  }
}

TEST_CASE("a hedge that would come too late is a trap, and so is one without a budget") {
  const auto warnings_of = [](const std::string& keys) { return lines_of(load_upstream(keys).warnings); };
  const std::string late =
      "upstreams.orders.retries.hedge.after: there is never a hedge: timeouts.response, timeouts.total or "
      "retries.per_try_timeout ends the attempt before that";
  CHECK(warnings_of("    retries: {hedge: {after: 8s}}\n    timeouts: {total: 8s}\n") == Lines{"f:5:30: " + late});
  CHECK(warnings_of("    retries: {hedge: {after: 15s}}\n") == Lines{"f:5:30: " + late});
  CHECK(warnings_of("    retries: {hedge: {after: 2s}, per_try_timeout: 2s}\n") == Lines{"f:5:30: " + late});
  CHECK(warnings_of("    retries: {hedge: {after: 2s}}\n").empty());
  CHECK(warnings_of("    retries: {hedge: {after: p99}}\n    timeouts: {total: 10ms}\n").empty());
  CHECK(warnings_of("    retries: {budget: off, hedge: {after: p99}}\n") ==
        Lines{"f:5:35: upstreams.orders.retries.hedge: hedges without a budget: an upstream that grows slow gets every "
              "request twice"});
}

TEST_CASE("methods of retries are a list, or the idempotent ones") {
  CHECK(good_upstream("    retries: {methods: idempotent}\n").retries.methods.empty());
  CHECK(errors_of("    retries: {methods: safe}\n") ==
        Lines{"f:5:24: upstreams.orders.retries.methods: expected a list or 'idempotent', found a single value; write "
              "[…]"});
  CHECK(errors_of("    retries: {methods: [get]}\n") ==
        Lines{"f:5:25: upstreams.orders.retries.methods.0: expected a method in capitals, such as GET, found 'get'"});
  CHECK(errors_of("    retries: {methods: []}\n") ==
        Lines{"f:5:24: upstreams.orders.retries.methods: expected 'idempotent' or a list with at least one method"});
}

TEST_CASE("a hash by header or cookie needs a name, a policy is one of five") {
  CHECK(errors_of("    load_balancing: {policy: hash, hash: {by: header}}\n") ==
        Lines{"f:5:42: upstreams.orders.load_balancing.hash: hash by header needs its name: hash: {by: header, name: "
              "…}"});
  CHECK(errors_of("    load_balancing: {policy: hash}\n").empty());
  CHECK(errors_of("    load_balancing: {policy: fastest}\n") ==
        Lines{"f:5:30: upstreams.orders.load_balancing.policy: unknown value 'fastest'; expected one of: "
              "health_score, round_robin, random, least_request, hash"});
}

TEST_CASE("the deadline header can be switched off, and is a field's name") {
  CHECK(good_upstream("    timeouts: {deadline_header: off}\n").timeouts.deadline_header.empty());
  CHECK(errors_of("    timeouts: {deadline_header: a b}\n") ==
        Lines{"f:5:33: upstreams.orders.timeouts.deadline_header: expected a header name or 'off', found 'a b'"});
}

TEST_CASE("the deadline header is none that the proxy writes or goes by itself") {
  for (const std::string name : {"content-length", "Host", "X-Request-Id", "x_request_id", "via", "X-Forwarded-For",
                                 "transfer-encoding", "connection", "if-none-match", "te"}) {
    CAPTURE(name);
    CHECK(errors_of("    timeouts: {deadline_header: " + name + "}\n") ==
          Lines{"f:5:33: upstreams.orders.timeouts.deadline_header: expected a header name that the proxy neither "
                "frames messages with nor writes itself, found '" +
                name + "'"});
  }
}

TEST_CASE("the cache serves on errors, or normally") {
  CHECK(good_upstream("").cache.serve == Serve::on_error);
  CHECK(good_upstream("    cache: {serve: normal}\n").cache.serve == Serve::normal);
  CHECK(errors_of("    cache: {serve: zzzzzz}\n") ==
        Lines{"f:5:20: upstreams.orders.cache.serve: unknown value 'zzzzzz'; expected one of: on_error, normal"});
}

TEST_CASE("a fallback chain is read step by step") {
  const Fallback fallback = good(load_text(R"(listen: 127.0.0.1:1
upstreams:
  a:
    endpoints: [http://a]
    fallback:
      on: [timeout, breaker_open, "503"]
      chain:
        - cache: {max_stale: 10m}
        - cache
        - upstream: b
        - static: {status: 503, headers: {Content-Type: text/plain, X-N: 1}, body: sorry}
  b: http://b
)"))
                                .upstreams[0]
                                .fallback;
  CHECK(fallback.on.timeout);
  CHECK(fallback.on.breaker_open);
  CHECK_FALSE(fallback.on.overload);
  CHECK(fallback.on.has_status(503));
  CHECK_FALSE(fallback.on.has_status(500));
  REQUIRE(fallback.chain.size() == 4);
  CHECK(std::get<CacheStep>(fallback.chain[0]).max_stale == 10min);
  CHECK(std::get<CacheStep>(fallback.chain[1]).max_stale == 0s);
  CHECK(std::get<UpstreamStep>(fallback.chain[2]).upstream == "b");
  CHECK(std::get<StaticStep>(fallback.chain[3]) ==
        StaticStep{503, {{"Content-Type", "text/plain"}, {"X-N", "1"}}, "sorry", ""});
}

TEST_CASE("a step of a fallback is exactly one thing") {
  const std::string message = "expected one step: cache, upstream or static";
  CHECK(errors_of("    fallback: {chain: [{}]}\n") == Lines{"f:5:24: upstreams.orders.fallback.chain.0: " + message});
  CHECK(errors_of("    fallback: {chain: [{cache: {}, static: {}}]}\n") ==
        Lines{"f:5:24: upstreams.orders.fallback.chain.0: " + message});
}

TEST_CASE("a static answer is one that can be sent") {
  const std::string place = "f:5:33: upstreams.orders.fallback.chain.0.static";
  const auto errors = [](const std::string& step) {
    return errors_of("    fallback: {chain: [{static: " + step + "}]}\n");
  };
  CHECK(errors("{status: 199}") == Lines{"f:5:42: upstreams.orders.fallback.chain.0.static.status: expected a whole "
                                         "number from 200 to 599, found '199'"});
  CHECK(errors("{status: 204, body: x}") == Lines{place + ": a 204 has no body"});
  CHECK(errors("{headers: {'a b': x}}").at(0).ends_with("static.headers.a b: expected a header name, found 'a b'"));
  CHECK(errors("{headers: {a: \"x\\ny\"}}")
            .at(0)
            .ends_with("static.headers.a: expected a field's value without control characters"));
  CHECK(errors("{headers: {Content-Length: 5}}")
            .at(0)
            .ends_with("static.headers.Content-Length: this field is written by the proxy itself"));
  CHECK(errors("{headers: {a: [x]}}").at(0).ends_with("static.headers.a: expected a single value, found a list"));
  CHECK(errors("{body: x, body_file: /y}").at(0).ends_with("body_file: body and body_file exclude each other"));
}

TEST_CASE("a static body comes from a file, byte by byte") {
  const std::string bytes("\x89PNG\0\xff", 6);
  const TemporaryFile file(bytes);
  const LoadResult result =
      load_upstream("    fallback: {chain: [{static: {body_file: " + file.path.string() + "}}]}\n");
  const auto step = std::get<StaticStep>(good(result).upstreams[0].fallback.chain[0]);
  CHECK(step.body == bytes);
  CHECK(step.body_file == file.path.string());
}

TEST_CASE("a file that cannot be read, or is no file, is an error") {
  for (const std::string path : {"/does/not/exist", "/dev/zero", "/tmp"})
    CHECK(errors_of("    fallback: {chain: [{static: {body_file: " + path + "}}]}\n") ==
          Lines{"f:5:45: upstreams.orders.fallback.chain.0.static.body_file: cannot read the file '" + path + "'"});
}

TEST_CASE("a wrong value in `defaults` is reported once, where it stands") {
  CHECK(
      lines_of(
          load_text("listen: 127.0.0.1:1\ndefaults: {timeouts: {connect: 5}}\nupstreams: {a: http://a, b: http://b}\n")
              .errors) ==
      Lines{"f:2:32: defaults.timeouts.connect: expected a duration such as 250ms, 1.5s, 10m or 1h, found '5'; a bare "
            "number has no unit"});
}

TEST_CASE("a response's head has limits of its own") {
  CHECK(good_upstream("    limits: {max_head_bytes: 256KiB, max_fields: 10000}\n").limits.max_head_bytes == 256 * kKiB);
  CHECK(
      errors_of("    limits: {max_head_bytes: 257KiB}\n") ==
      Lines{
          "f:5:30: upstreams.orders.limits.max_head_bytes: expected a size such as 64KiB or 1MB, from 1KiB to 256KiB, "
          "found '257KiB'"});
  CHECK(errors_of("    limits: {max_head_bytes: 1023}\n").size() == 1);
  for (const std::string bad : {"0", "10001", "many"})
    CHECK(errors_of("    limits: {max_fields: " + bad + "}\n") ==
          Lines{"f:5:26: upstreams.orders.limits.max_fields: expected a whole number from 1 to 10000, found '" + bad +
                "'"});
}

TEST_CASE("an idle connection's time is a duration") {
  CHECK(good_upstream("    timeouts: {keep_alive: 5s}\n").timeouts.keep_alive == 5s);
  CHECK(errors_of("    timeouts: {keep_alive: 0s}\n").size() == 1);
  CHECK(errors_of("    timeouts: {keep_alive: 5}\n").size() == 1);
}

TEST_CASE("request directives are honoured or ignored") {
  CHECK(good_upstream("").cache.request_directives == RequestDirectives::honour);
  CHECK(good_upstream("    cache: {request_directives: ignore}\n").cache.request_directives ==
        RequestDirectives::ignore);
  CHECK(
      errors_of("    cache: {request_directives: obey}\n") ==
      Lines{
          "f:5:33: upstreams.orders.cache.request_directives: unknown value 'obey'; expected one of: honour, ignore"});
}

TEST_CASE("a health check has its keys, and may be off") {
  CHECK_FALSE(good_upstream("").health_check);
  CHECK_FALSE(good_upstream("    health_check: off\n").health_check);
  CHECK(good_upstream("    health_check: {}\n").health_check == HealthCheck{});
  CHECK(good_upstream("    health_check: {path: /ready, interval: 1m, timeout: 2s, healthy: 1, unhealthy: 5}\n")
            .health_check == HealthCheck{"/ready", 1min, 2s, 1, 5});
  CHECK(errors_of("    health_check: {path: ready}\n") ==
        Lines{"f:5:26: upstreams.orders.health_check.path: expected a path that begins with '/', found 'ready'"});
  CHECK(errors_of("    health_check: {path: '/a#b', interval: 9ms, healthy: 0}\n").size() == 3);
  CHECK(errors_of("    health_check: /ready\n") ==
        Lines{"f:5:19: upstreams.orders.health_check: expected a map or 'off', found a single value; write {path: …}"});
}

}  // namespace
}  // namespace fusewire::config
