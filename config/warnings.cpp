// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <charconv>
#include <map>

#include "config/addresses.hpp"
#include "config/scalars.hpp"
#include "config/validate.hpp"

namespace fusewire::config {
namespace {

using Path = std::vector<std::string>;

const Node* child_named(const Node& node, const std::string& name) {
  if (node.kind != Node::Kind::list) return node.find(name);
  std::size_t index = 0;
  std::from_chars(name.data(), name.data() + name.size(), index);
  return index < node.children.size() ? &node.children[index] : nullptr;
}

Path operator+(Path path, const Path& more) {
  path.insert(path.end(), more.begin(), more.end());
  return path;
}

class Traps {
 public:
  Traps(const Config& config, const Node& root, Report& report) : config_(config), root_(root), report_(report) {
    for (const Upstream& upstream : config.upstreams) upstreams_.emplace(upstream.name, &upstream);
  }

  void run() {
    for (const Upstream& upstream : config_.upstreams) check_upstream(upstream);
    if (root_.find("listen") == nullptr)
      for (std::size_t i = 0; i < config_.listeners.size(); ++i) check_routes(i);
    if (!is_loopback(config_.admin.address))
      warn({"admin", "address"}, "the admin address is not loopback: whoever reaches it can read everything" +
                                     std::string(config_.admin.read_requires_token ? " with the token" : ""));
  }

 private:
  // At the value, or the nearest one around it that was written.
  void warn(const Path& path, std::string message) {
    const Node* node = &root_;
    std::string whole;
    bool exact = true;
    for (const std::string& key : path) {
      whole = join(whole, key);
      const Node* next = exact ? child_named(*node, key) : nullptr;
      exact = next != nullptr;
      if (exact) node = next;
    }
    report_.warn(exact ? node->mark : node->key_mark, exact ? node->path : whole, std::move(message));
  }

  void check_upstream(const Upstream& upstream) {
    const Path path = {"upstreams", upstream.name};
    const CircuitBreaker& breaker = upstream.circuit_breaker;
    if (breaker.mode != Mode::disabled) {
      check_interval(breaker, upstream.timeouts, path + Path{"circuit_breaker", "transitions", "open_timeout"});
      check_client_errors(breaker.classify.failure, path + Path{"circuit_breaker", "classify", "failure"});
    }
    check_chain(upstream.fallback, upstream, path + Path{"fallback", "chain"});
    const bool tls = std::any_of(upstream.endpoints.begin(), upstream.endpoints.end(),
                                 [](const Endpoint& endpoint) { return endpoint.tls; });
    if (tls && !upstream.tls.verify)
      warn(path + Path{"tls", "verify"},
           "whoever stands in between can read and change everything: no certificate is checked");
  }

  void check_interval(const CircuitBreaker& breaker, const Timeouts& timeouts, const Path& path) {
    const milliseconds open = breaker.transitions.open_timeout;
    if (open < timeouts.response)
      warn(path, "the open interval " + format_duration(open) + " is shorter than the response timeout " +
                     format_duration(timeouts.response) +
                     ": calls of before the trip are still waiting when trials begin");
  }

  // 429 is the exception: it is how a rate-limited service says that it is overloaded.
  void check_client_errors(const Conditions& failure, const Path& path) {
    for (int status = 400; status < 500; ++status) {
      if (status == 429 || !failure.has_status(status)) continue;
      return warn(path, "4xx under failure: a client's own mistakes can open the breaker for everyone");
    }
  }

  void check_chain(const Fallback& fallback, const Upstream& upstream, const Path& path) {
    bool answered = false;
    for (std::size_t i = 0; i < fallback.chain.size(); ++i) {
      const Path step = path + Path{std::to_string(i)};
      if (answered) warn(step, "this step is never reached: the static step before it always answers");
      answered = answered || std::holds_alternative<StaticStep>(fallback.chain[i]);
      const auto* cache = std::get_if<CacheStep>(&fallback.chain[i]);
      const bool never_stores = upstream.cache.max_object == 0 || config_.cache_memory == 0;
      if (cache != nullptr && cache->max_stale > 0ms && never_stores)
        warn(step + Path{"cache", "max_stale"},
             std::string("max_stale on a cache that never stores: ") +
                 (config_.cache_memory == 0 ? "cache_memory is 0" : "cache.max_object is 0"));
    }
  }

  void check_routes(std::size_t listener) {
    const std::vector<Route>& routes = config_.listeners[listener].routes;
    for (std::size_t i = 0; i < routes.size(); ++i) {
      if (!routes[i].timeouts && !routes[i].fallback) continue;
      const Path path = {"listeners", std::to_string(listener), "routes", std::to_string(i)};
      check_route(routes[i], *upstreams_.at(routes[i].upstream), path);
    }
  }

  void check_route(const Route& route, const Upstream& upstream, const Path& path) {
    const bool own_interval = route.timeouts && route.timeouts->response != upstream.timeouts.response;
    if (own_interval && upstream.circuit_breaker.mode != Mode::disabled)
      check_interval(upstream.circuit_breaker, *route.timeouts, path + Path{"timeouts", "response"});
    if (route.fallback && route.fallback->chain != upstream.fallback.chain)
      check_chain(*route.fallback, upstream, path + Path{"fallback", "chain"});
  }

  const Config& config_;
  const Node& root_;
  Report& report_;
  std::map<std::string_view, const Upstream*> upstreams_;
};

}  // namespace

void warn_of_traps(const Config& config, const Node& root, Report& report) { Traps(config, root, report).run(); }

}  // namespace fusewire::config
