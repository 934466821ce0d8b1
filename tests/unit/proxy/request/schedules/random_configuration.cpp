// SPDX-License-Identifier: Apache-2.0
#include "tests/unit/proxy/request/schedules/random_configuration.hpp"

#include <algorithm>

namespace fusewire::testing {

namespace {

using std::string;

string text(int number) { return std::to_string(number); }
string ms(Draw& draw, int least, int most) { return text(draw.between(least, most)) + "ms"; }

string detection(Draw& draw) {
  const bool by_count = draw.chance(30);
  const int size = draw.between(5, 20);
  string yaml = "{consecutive_failures: ";
  yaml += draw.chance(70)
              ? "{threshold: " + text(draw.between(2, 4)) + ", chance: " + draw.one_of({"off", "1e-6"}) + "}"
              : "off";
  yaml += ", consecutive_slow_calls: {threshold: " + text(draw.between(2, 5)) + ", chance: off}";
  if (draw.chance(25)) yaml += ", failure_count: {threshold: 3, window: " + ms(draw, 300, 2000) + "}";
  yaml += ", failure_rate: " + string(draw.chance(70) ? "{threshold: 0.5}" : "off");
  yaml += ", slow_call_rate: " + (draw.chance(60) ? "{threshold: 0.5, slower_than: " + ms(draw, 20, 150) +
                                                        ", measure: " + draw.one_of({"head", "body"}) + "}"
                                                  : "off");
  yaml += by_count ? ", window: {type: count_based, size: " + text(size) + "}"
                   : ", window: {type: time_based, duration: " + ms(draw, 300, 3000) + "}";
  return yaml + ", minimum_calls: " + text(draw.between(2, 5)) + "}";
}

string circuit_breaker(Draw& draw, const string& scope) {
  string yaml = "{scope: " + scope + ", mode: " + (draw.chance(90) ? "enforce" : draw.one_of({"shadow", "disabled"}));
  yaml += ", detection: " + detection(draw);
  yaml += ", transitions: {open_timeout: " + ms(draw, 40, 500) + ", backoff: {max: " + ms(draw, 500, 2000) +
          ", multiplier: " + draw.one_of({"1.5", "2"}) + ", jitter: 0}}";
  yaml += ", recovery: {half_open_max_calls: " + text(draw.between(1, 3)) +
          ", success_threshold: " + text(draw.between(1, 3)) + ", strict_mode: " + draw.one_of({"true", "false"}) +
          ", max_half_open: " + ms(draw, 100, 800) + ", settle_after: " + ms(draw, 30, 300);
  if (draw.chance(30)) yaml += ", ramp: {duration: " + ms(draw, 100, 1000) + "}";
  return yaml + "}}";
}

string timeouts(Draw& draw) {
  string yaml = "{connect: " + ms(draw, 30, 150) + ", response: " + ms(draw, 60, 500) + ", idle: " + ms(draw, 80, 500) +
                ", keep_alive: " + ms(draw, 1, 3000) + ", total: " + ms(draw, 200, 1500);
  if (draw.chance(20)) yaml += ", adaptive: {minimum_samples: 5, min: 20ms, max: 300ms, window: 2s, percentile: 0.9}";
  return yaml + "}";
}

string retries(Draw& draw, const Frame& frame) {
  string yaml = "{attempts: " + text(draw.between(0, frame.most_attempts)) + ", on: ";
  yaml += draw.one_of({"[connect_error, reset]", "[connect_error, reset, timeout, \"5xx\"]",
                       "[connect_error, reset, protocol_error, incomplete, timeout, \"503\"]"});
  if (draw.chance(40)) yaml += ", per_try_timeout: " + ms(draw, 30, 200);
  yaml += ", backoff: {base: " + ms(draw, 0, 30) + ", max: " + ms(draw, 30, 200) + "}";
  yaml += ", budget: ";
  yaml += frame.has_budget
              ? "{ratio: " + string(draw.one_of({"0", "0.1", "0.2", "0.5", "1"})) +
                    ", min_per_second: " + draw.one_of({"0", "1", "3"}) + ", window: " + text(draw.between(1, 3)) + "s}"
              : "off";
  if (frame.hedges && draw.chance(80)) yaml += ", hedge: {after: " + ms(draw, 5, 80) + "}";
  return yaml + "}";
}

string queue(Draw& draw) {
  return draw.chance(70) ? "{size: " + text(draw.between(1, 6)) + ", timeout: " + ms(draw, 10, 300) + "}" : "off";
}

string limits(Draw& draw) {
  string yaml = "{";
  if (draw.chance(50)) yaml += "max_connections: " + text(draw.between(1, 8)) + ", ";
  if (draw.chance(60)) yaml += "max_concurrent_requests: " + text(draw.between(1, 8)) + ", ";
  if (draw.chance(25))
    yaml +=
        "rate: {requests_per_second: " + text(draw.between(5, 50)) + ", burst: " + text(draw.between(3, 20)) + "}, ";
  if (draw.chance(25)) yaml += "adaptive_concurrency: {min_limit: 1, initial_limit: 3, max_limit: 20}, ";
  return yaml + "queue: " + queue(draw) + "}";
}

string limits_of_route(Draw& draw) {
  string yaml = "{queue: " + queue(draw) + ", max_concurrent_requests: " + text(draw.between(1, 5));
  if (draw.chance(30)) yaml += ", rate: {requests_per_second: 20, burst: " + text(draw.between(2, 10)) + "}";
  return yaml + "}";
}

string fallback(Draw& draw) {
  if (draw.chance(50)) return "{chain: []}";
  return draw.chance(60) ? "{chain: [upstream: spare]}"
                         : "{chain: [upstream: spare, static: {status: 200, body: sorry}]}";
}

string route(Draw& draw, const string& name) {
  string yaml = "      - {name: " + name + ", match: {path_prefix: /" + name + "}, upstream: orders";
  if (draw.chance(20)) yaml += ", circuit_breaker: " + circuit_breaker(draw, "route");
  if (draw.chance(25)) yaml += ", limits: " + limits_of_route(draw);
  if (draw.chance(20)) yaml += ", timeouts: {total: " + ms(draw, 150, 800) + "}";
  return yaml + "}\n";
}

string endpoints(Draw& draw, const Frame& frame) {
  string yaml = "[";
  for (int i = 0; i < frame.endpoints; ++i) {
    if (i > 0 && draw.chance(10)) continue;
    yaml += "{url: \"http://127.0.0.1:" + text(kFirstPort + i) + "\"";
    if (i > 0 && draw.chance(10)) yaml += ", backup: true";
    yaml += "}, ";
  }
  return yaml + "]";
}

}  // namespace

Frame::Frame(Draw& draw) : endpoints(draw.between(1, 4)), has_budget(draw.chance(80)), hedges(draw.chance(40)) {}

string random_configuration(Draw& draw, const Frame& frame) {
  string yaml =
      "listeners:\n"
      "  - name: main\n"
      "    address: 127.0.0.1:1\n"
      "    limits: {body_timeout: 300ms, idle_timeout: 3s, send_timeout: 400ms, max_body: 20KiB}\n"
      "    routes:\n";
  yaml += route(draw, "a") + route(draw, "b");
  const string scope = draw.one_of({"auto", "auto", "upstream", "endpoint"});
  yaml += "upstreams:\n  orders:\n";
  yaml += "    endpoints: " + endpoints(draw, frame) + "\n";
  const char* const policy = draw.one_of({"health_score", "round_robin", "least_request", "random", "hash"});
  yaml += "    load_balancing: {policy: " + string(policy) + "}\n";
  yaml += "    circuit_breaker: " + circuit_breaker(draw, scope) + "\n";
  yaml += "    timeouts: " + timeouts(draw) + "\n";
  yaml += "    retries: " + retries(draw, frame) + "\n";
  yaml += "    limits: " + limits(draw) + "\n";
  yaml += "    fallback: " + fallback(draw) + "\n";
  yaml += "  spare:\n    endpoints: [\"http://127.0.0.1:" + text(kSparePort) + "\"]\n";
  yaml += "    circuit_breaker: " + circuit_breaker(draw, "upstream") + "\n";
  yaml += "    timeouts: " + timeouts(draw) + "\n";
  yaml += "    retries: " + retries(draw, frame) + "\n";
  yaml += "    limits: " + limits(draw) + "\n";
  yaml += "    fallback: {chain: []}\n";
  return yaml + "via: simulated\nlog: {level: off, access: off}\nruntime: {workers: 1}\n";
}

}  // namespace fusewire::testing
