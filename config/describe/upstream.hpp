// SPDX-License-Identifier: Apache-2.0
// The keys of an upstream.
#pragma once

#include "config/addresses.hpp"
#include "config/describe/breaker.hpp"
#include "config/describe/fallback.hpp"
#include "config/describe/upstream_forms.hpp"
#include "config/describe/visitor.hpp"

namespace fusewire::config {

struct EndpointUrl : FreeText {
  static std::string schema() { return R"({"$ref": "#/$defs/url"})"; }
};

template <class V>
void describe(V& v, Endpoint& endpoint) {
  v.short_for("url");
  v.required("url", "http://HOST[:PORT], https://HOST[:PORT] or unix:/path");
  v.key("url", endpoint.url, EndpointUrl(), "http://HOST[:PORT] or https://HOST[:PORT], without a path, or unix:/path",
        live("http://127.0.0.1:9000"));
  v.key("weight", endpoint.weight, Count(0, 1000), "Its share of the requests, beside the others'; 0 for none");
  v.key("backup", endpoint.backup, Flag(), "It is asked only where no other endpoint can be");
}

template <class V>
void describe(V& v, HashKey& hash) {
  v.usual("by");
  v.key("by", hash.by, OneOf(kHashKeys), "What requests that go to one endpoint have in common");
  v.key("name", hash.name, TextThat(is_token, "the name of a header or cookie"),
        "by header or cookie: its name. A request without one goes by the address that the connection comes from",
        commented("x-user-id"));
}

template <class V>
void describe(V& v, LoadBalancing& balancing) {
  v.usual("policy");
  v.key("policy", balancing.policy, OneOf(kBalancingPolicies),
        "health_score: the better of two by latency, success and requests in flight, as all workers see them; "
        "least_request: the less busy of two; hash: equal requests to one endpoint");
  v.section("hash", balancing.hash, "Of policy hash");
  v.key("slow_start", balancing.slow_start, DurationOrOff(),
        "An endpoint that is new, or back in its name's answer, gets its share little by little within this time; not "
        "with hash");
}

template <class V>
void describe(V& v, AdaptiveTimeout& adaptive) {
  v.usual("percentile");
  v.key("percentile", adaptive.percentile, Number(kRatio), "Of the times that answers took");
  v.key("multiplier", adaptive.multiplier, Number(kAnyAbove), "The timeout is so many times that");
  v.key("min", adaptive.min, Duration(), "And no shorter");
  v.key("max", adaptive.max, Duration(), "And no longer");
  v.key("minimum_samples", adaptive.minimum_samples, Count(1, kMaxCalls),
        "With fewer answers in the window, response holds");
  v.key("window", adaptive.window, Duration(kAdaptiveSpan), "Of an upstream, for all its routes: what counts");
}

template <class V>
void describe(V& v, Timeouts& timeouts) {
  v.usual("total");
  v.key("connect", timeouts.connect, Duration(), "Name, connection, TLS handshake");
  v.key("response", timeouts.response, Duration(),
        "From the last byte of the request sent (or the permit) to the response's head");
  v.key("idle", timeouts.idle, Duration(), "Between two reads or writes of a body");
  v.key("keep_alive", timeouts.keep_alive, Duration(),
        "An idle connection to the upstream is kept so long; its own Keep-Alive field (timeout=N) shortens it to N - 1 "
        "s");
  v.key("total", timeouts.total, Duration(),
        "From the request's head to the final response's head; stands still while the request's body makes progress");
  v.key("tunnel_idle", timeouts.tunnel_idle, Duration(),
        "A tunnel (after an upgrade) without a byte in either direction; no other limit holds there");
  v.switchable("adaptive", timeouts.adaptive, AdaptiveTimeout{},
               "In the place of response: a multiple of how long the upstream's answers take");
  v.key("deadline_header", timeouts.deadline_header, FieldNameOrOff(),
        "A request field, in milliseconds, that shortens total, never lengthens it; passed on reduced; or off. Where a "
        "listener names trusted peers, only theirs counts. Not one that the proxy writes itself, such as X-Request-Id");
}

template <class V>
void describe(V& v, Queue& queue) {
  v.usual("size");
  v.key("size", queue.size, Count(1, 100'000), "Requests that wait at once");
  v.key("timeout", queue.timeout, Duration(), "How long one waits at most; never longer than its deadline");
  v.key("priority_header", queue.priority_header, FieldNameOrOff(),
        "A request field with a whole number: the highest goes first, then the oldest; or off. Where a listener names "
        "trusted peers, only theirs counts");
}

template <class V>
void describe(V& v, Rate& rate) {
  v.usual("requests_per_second");
  v.key("requests_per_second", rate.requests_per_second, Number(kPerSecond), "Over all workers; others get a 429");
  v.key("burst", rate.burst, Count(1, 1'000'000), "So many at once after a pause");
}

template <class V>
void describe(V& v, AdaptiveConcurrency& adaptive) {
  v.usual("max_limit");
  v.key("min_limit", adaptive.min_limit, Count(1, kMaxConnections), "It falls no lower");
  v.key("initial_limit", adaptive.initial_limit, Count(1, kMaxConnections), "Until something is known of the latency");
  v.key("max_limit", adaptive.max_limit, Count(1, kMaxConnections), "It rises no higher");
}

template <class V>
void describe(V& v, UpstreamLimits& limits) {
  v.key("max_connections", limits.max_connections, Count(1, kMaxConnections), "Open connections to all endpoints");
  v.key("max_concurrent_requests", limits.max_concurrent_requests, Count(1, kMaxConnections),
        "Requests in flight; others wait in the queue, or get a 503");
  v.key("max_head_bytes", limits.max_head_bytes, Bytes(kKiB, kMaxResponseHeadBytes),
        "Of a response's head; beyond it a protocol error");
  v.key("max_fields", limits.max_fields, Count(1, 10'000), "Of a response's head; beyond it a protocol error");
  v.switchable("queue", limits.queue, Queue{}, "Where requests wait while max_concurrent_requests are in flight");
  v.switchable("rate", limits.rate, Rate{}, "A token bucket");
  v.switchable("adaptive_concurrency", limits.adaptive_concurrency, AdaptiveConcurrency{},
               "A limit of requests in flight that follows the latency, below max_concurrent_requests");
}

template <class V>
void describe(V& v, Cache& cache) {
  v.usual("serve");
  v.key("serve", cache.serve, OneOf(kServes),
        "on_error: the cache answers only when the fallback chain runs; normal: what is fresh comes first, before the "
        "breaker is asked");
  v.key("request_directives", cache.request_directives, OneOf(kRequestDirectives),
        "ignore: no-cache, max-age and min-fresh of a request don't keep a fallback from it");
  v.key("max_object", cache.max_object, Bytes(0, 1024 * kMiB), "Larger responses are not stored");
  v.key("store_set_cookie", cache.store_set_cookie, Flag(), "Store responses that carry Set-Cookie");
  v.key("heuristic_fraction", cache.heuristic_fraction, Number(kShare),
        "Freshness of a response without its own: this share of the time since Last-Modified");
}

template <class V>
void describe(V& v, UpstreamTls& tls) {
  v.key("ca", tls.ca, SystemOrPemFile(), "A PEM file of authorities, or system for those of the operating system");
  v.key("certificate", tls.certificate, PemFile(),
        "A PEM file with the certificate that we show to an upstream that asks, and its chain, leaf first",
        commented("/etc/tls/client.crt"));
  v.key("private_key", tls.private_key, PemFile(), "A PEM file with the certificate's key",
        commented("/etc/tls/client.key"));
  v.key("server_name", tls.server_name, TextThat(is_host, "a host without port"),
        "For SNI, the certificate's check and Host; by default the endpoint's own name", commented("orders.example"));
  v.key("verify", tls.verify, Flag(), "Check the upstream's certificate and name");
}

template <class V>
void describe(V& v, HealthCheck& check) {
  v.usual("path");
  v.key("path", check.path, AskedPath(), "What is asked for, with GET; a status from 200 to 399 passes");
  v.key("interval", check.interval, Duration(kProbeSpan),
        "From one check of an address to the next, give or take a tenth");
  v.key("timeout", check.timeout, Duration(kWaitSpan), "Of a check: connection, TLS handshake and response");
  v.key("healthy", check.healthy, Count(1, kMaxSmall),
        "So many that pass in a row make an unhealthy address healthy again");
  v.key("unhealthy", check.unhealthy, Count(1, kMaxSmall),
        "So many that fail in a row make an address unhealthy: others are asked, where there are any");
}

template <class V>
void describe(V& v, RetryBackoff& backoff) {
  v.usual("base");
  v.key("base", backoff.base, Duration(kFromZero), "The n-th retry waits for a random time of up to base x 2^(n - 1)");
  v.key("max", backoff.max, Duration(kFromZero), "And of no more than this");
}

template <class V>
void describe(V& v, RetryBudget& budget) {
  v.usual("ratio");
  v.key("ratio", budget.ratio, Number(kShare), "Retries for each request");
  v.key("min_per_second", budget.min_per_second, Number(kFromNothing), "Retries beside these");
  v.key("window", budget.window, Duration(kBudgetSpan), "Over which both are counted");
}

template <class V>
void describe(V& v, Hedge& hedge) {
  v.usual("after");
  v.key("after", hedge.after, DurationOrPercentile(),
        "So long without a response's head; or p95: longer than 95 % of the upstream's answers in the window of "
        "timeouts.adaptive took, once there are 100 of them");
}

template <class V>
void describe(V& v, Retries& retries) {
  v.usual("attempts");
  v.key(
      "attempts", retries.attempts, Count(0, 10),
      "Further attempts of a request that has failed; 0 for none. What was never sent goes to another endpoint beside "
      "these");
  v.key("on", retries.on, ConditionList(ConditionList::Of::calls), "What is tried again");
  v.key("methods", retries.methods, RetriedMethods(), "Methods that may reach the upstream twice");
  v.key("per_try_timeout", retries.per_try_timeout, DurationOrOff(),
        "Of one attempt, where it is shorter than timeouts.response");
  v.section("backoff", retries.backoff, "The wait before a retry; an upstream's Retry-After makes it longer");
  v.switchable("budget", retries.budget, RetryBudget{}, "How many retries there may be, over all workers");
  v.key("max_body", retries.max_body, Bytes(0, 64 * kKiB),
        "A request with a larger body is not sent twice, nor one whose body has not come whole with its head");
  v.switchable(
      "hedge", retries.hedge, Hedge{},
      "One more attempt, at another endpoint where there is one, of a request that waits long: the first good "
      "answer goes to the client, the other attempt ends. For what may be retried, out of the same budget, once "
      "a request, beside attempts");
}

template <class V>
void describe(V& v, Upstream& upstream) {
  v.short_for("endpoints");
  v.items("endpoints", upstream.endpoints,
          "Where the upstream listens: http://HOST[:PORT] or https://HOST[:PORT], without a path, user or password, or "
          "unix:/path, or {url: URL} with a weight, or as a backup",
          live("[http://127.0.0.1:9000]"), {.least = 1});
  v.key("dns_refresh", upstream.dns_refresh, Duration(),
        "Names are looked up again while in use; each address is an endpoint of its own; the last good answer is kept");
  v.section("load_balancing", upstream.load_balancing, "Which endpoint of several a request goes to");
  v.section("circuit_breaker", upstream.circuit_breaker,
            "When calls to this upstream are stopped, and how they begin again");
  v.section("timeouts", upstream.timeouts, "Time limits of one request");
  v.section("retries", upstream.retries, "Further attempts of a request that has failed");
  v.section("limits", upstream.limits, "Limits of this upstream, over all workers");
  v.section("fallback", upstream.fallback, "What to answer when the upstream cannot");
  v.section("cache", upstream.cache, "What is remembered of this upstream");
  v.switchable("health_check", upstream.health_check, HealthCheck{},
               "Every address is checked again and again, once for all workers and apart from traffic");
  v.section("tls", upstream.tls, "How https:// endpoints are spoken to. The files are read again when they change");
  v.later("read_only_when_open", "false");
}

}  // namespace fusewire::config
