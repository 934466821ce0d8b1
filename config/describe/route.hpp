// SPDX-License-Identifier: Apache-2.0
// The keys of a route.
#pragma once

#include "config/describe/listener_forms.hpp"
#include "config/describe/upstream.hpp"
#include "config/describe/visitor.hpp"

namespace fusewire::config {

template <class V>
void describe(V& v, Match& match) {
  v.usual("path_prefix");
  v.key("host", match.host, HostText(), "The request's host, without port; an IPv6 address in brackets",
        live("orders.local"));
  v.key("path_prefix", match.path_prefix, RequestPath(),
        "The path is it, or begins with it, segment by segment: /v1 takes /v1 and /v1/x, not /v10; /v1/ takes what is "
        "below it alone",
        live("/v1"));
  v.key("path", match.path, RequestPath(), "The path, exactly", commented("/v1/orders"));
  v.later("path_regex");
  v.key("methods", match.methods, MethodList(), "Any of them", live("[GET, POST]"));
  v.key("headers", match.headers, MatchedFields(),
        "All of these fields, each once, with exactly these values, and not named by Connection",
        live("{x-canary: \"1\"}"));
}

template <class V>
void describe(V& v, RouteLimits& limits) {
  v.key("max_concurrent_requests", limits.max_concurrent_requests, CountOrOff(1, kMaxConnections),
        "Requests in flight; others wait in the queue, or get a 503");
  v.switchable("queue", limits.queue, Queue{}, "Where requests wait while max_concurrent_requests are in flight");
  v.switchable("rate", limits.rate, Rate{}, "A token bucket");
  v.switchable("adaptive_concurrency", limits.adaptive_concurrency, AdaptiveConcurrency{},
               "A limit of requests in flight that follows the latency, below max_concurrent_requests");
}

struct UnbuiltFieldEdits {
  template <class V>
  void operator()(V& v) const {
    v.later("set", "{}");
    v.later("add", "{}");
    v.later("remove", "[]");
  }
};

template <class V>
void describe(V& v, Route& route) {
  v.required("upstream", "the name of an upstream");
  v.key("name", route.name, FreeText(),
        "For logs; and, behind the upstream's, of the breaker (scope: route) and the limits that the route has of its "
        "own",
        live("orders"));
  v.section("match", route.match, "All that is given must match; nothing given matches everything");
  v.key("upstream", route.upstream, FreeText(), "Where the request goes", live("orders"));
  v.later("split");
  v.later("rollout", "off");
  v.later("requires", "[]");
  v.key("upgrades", route.upgrades, UpgradeList(),
        "Protocols that a request may switch to, whose bytes then pass unseen, in a tunnel; [] for none");
  v.section("rewrite", route.host, "What is changed of a request", [](auto& inner, HostRewrite& host) {
    inner.usual("host");
    inner.later("strip_prefix");
    inner.key("host", host, HostRewriteText(),
              "Host upstream. auto: the client's, or the endpoint's where that is https:// or the client's is only our "
              "own address; preserve: the client's; endpoint: the endpoint's; or a name such as shop.example");
  });
  v.unbuilt("request_headers", UnbuiltFieldEdits());
  v.unbuilt("response_headers", UnbuiltFieldEdits());
  v.key("normalize", route.normalize, OneOf(kNormalize),
        "reject_dot_segments: 400 for a path with . or .. segments, encoded or not");
  v.optional("timeouts", route.timeouts, "As under an upstream, and win over it", commented("{total: 5s}"));
  v.optional("retries", route.retries, "As under an upstream, and win over it", commented("{attempts: 0}"));
  v.optional("fallback", route.fallback, "As under an upstream, and wins over it", commented("{chain: []}"));
  v.optional("circuit_breaker", route.circuit_breaker,
             "With scope: route, which gives the route a breaker of its own: as under an upstream, and wins over it",
             commented("{scope: route}"));
  v.section("limits", route.limits, "Of this route, over all workers; the upstream's hold beside them");
}

}  // namespace fusewire::config
