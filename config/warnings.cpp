// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <map>

#include "config/addresses.hpp"
#include "config/report.hpp"
#include "config/route_states.hpp"
#include "config/route_warnings.hpp"
#include "config/scalars.hpp"
#include "config/trap_places.hpp"
#include "config/validate.hpp"
#include "config/web_url.hpp"

namespace fusewire::config {
namespace {

// Kubernetes kills 30 s after SIGTERM unless terminationGracePeriodSeconds says more.
constexpr milliseconds kMaxShutdown = 28s;

class Traps {
 public:
  Traps(const Config& config, const Node& root, Report& report) : config_(config), places_(root, report) {
    for (const Upstream& upstream : config.upstreams) upstreams_.emplace(upstream.name, &upstream);
  }

  void run() {
    for (const Upstream& upstream : config_.upstreams) check_upstream(upstream);
    if (places_.find({"listen"}) == nullptr)
      for (std::size_t i = 0; i < config_.listeners.size(); ++i) check_routes(i);
    warn_of_routes(config_, places_);
    check_process();
  }

 private:
  void check_process() {
    if (!is_loopback(config_.admin.address))
      places_.warn({"admin", "address"},
                   "the admin address is not loopback: anyone who can reach it can read everything" +
                       std::string(config_.admin.read_requires_token ? " with the token" : ""));
    const Node* via = places_.find({"via"});
    if (via != nullptr && via->from.empty())
      places_.warn({"via"},
                   "instances that share one 'via' refuse each other's requests as a loop (502): each needs its own, "
                   "such as ${HOSTNAME}, or none here");
    check_shutdown(config_.shutdown);
    for (std::size_t i = 0; i < config_.webhooks.size(); ++i)
      check_webhook(config_.webhooks[i], {"events", "webhooks", std::to_string(i)});
  }

  void check_webhook(const Webhook& hook, const Path& path) {
    const Parsed<WebUrl> url = parse_web_url(hook.url);
    if (url.value && !url.value->endpoint.tls && !is_loopback(url.value->endpoint.address) &&
        (!hook.token_file.empty() || !hook.routing_key_file.empty()))
      places_.warn(path + Path{"url"}, "the secret goes there unencrypted; use an https:// URL");
    if (std::find(hook.on.begin(), hook.on.end(), WebhookEvent::closed) != hook.on.end()) return;
    if (hook.format == WebhookFormat::pagerduty)
      places_.warn(path + Path{"on"}, "without 'closed' no incident is ever resolved");
    if (hook.format == WebhookFormat::alertmanager)
      places_.warn(path + Path{"on"}, "without 'closed' an alert ends only minutes after its breaker has closed");
  }

  void check_shutdown(const Shutdown& shutdown) {
    if (shutdown.grace + shutdown.drain_timeout <= kMaxShutdown) return;
    const Path path = {"shutdown", "drain_timeout"};
    const std::string grace = places_.shown({"shutdown", "grace"}, format_duration(shutdown.grace));
    places_.warn(path, "grace " + grace + " and drain_timeout " +
                           places_.shown(path, format_duration(shutdown.drain_timeout)) +
                           " are more than 28s in sum: Kubernetes kills after 30s, unless "
                           "terminationGracePeriodSeconds says more");
  }

  void check_upstream(const Upstream& upstream) {
    const Path path = {"upstreams", upstream.name};
    const CircuitBreaker& breaker = upstream.circuit_breaker;
    const Path open = path + Path{"circuit_breaker", "transitions", "open_timeout"};
    if (breaker.mode != Mode::disabled) {
      check_interval(breaker, upstream.timeouts, open, open, path + Path{"timeouts", "response"});
      check_probe(breaker, path + Path{"circuit_breaker", "recovery", "probe", "interval"});
      check_client_errors(breaker.classify.failure, path + Path{"circuit_breaker", "classify", "failure"});
    }
    check_health_check(upstream.health_check, path + Path{"health_check", "timeout"});
    check_retries(upstream.retries, upstream.timeouts, path + Path{"retries"});
    check_chain(upstream.fallback, upstream, path + Path{"fallback", "chain"});
    check_interim(upstream.fallback, path + Path{"fallback", "on"});
    if (upstream.cache.serve == Serve::normal && !never_stores(upstream).empty())
      places_.warn(path + Path{"cache", "serve"}, "a cache that can remember nothing: " + never_stores(upstream));
    const bool tls = std::any_of(upstream.endpoints.begin(), upstream.endpoints.end(),
                                 [](const Endpoint& endpoint) { return endpoint.tls; });
    if (tls && !upstream.tls.verify)
      places_.warn(path + Path{"tls", "verify"},
                   "anyone in between can read and change everything: no certificate is checked");
  }

  // `open`, `response`: where the two are written; `at`: where the warning goes.
  void check_interval(const CircuitBreaker& breaker, const Timeouts& timeouts, const Path& at, const Path& open,
                      const Path& response) {
    if (breaker.transitions.open_timeout >= timeouts.response) return;
    places_.warn(at, "the open interval " + places_.shown(open, format_duration(breaker.transitions.open_timeout)) +
                         " is shorter than the response timeout " +
                         places_.shown(response, format_duration(timeouts.response)) +
                         ": calls of before the trip are still waiting when trials begin");
  }

  void check_health_check(const std::optional<HealthCheck>& check, const Path& at) {
    if (!check || check->timeout < check->interval) return;
    places_.warn(at, "the timeout " + places_.shown(at, format_duration(check->timeout)) +
                         " is not shorter than the interval, " + format_duration(check->interval) +
                         ": a check that hangs delays the next one");
  }

  void check_probe(const CircuitBreaker& breaker, const Path& at) {
    const Probe& probe = breaker.recovery.probe;
    if (probe.type != ProbeType::connect || probe.interval < breaker.transitions.open_timeout) return;
    places_.warn(at, "the interval " + places_.shown(at, format_duration(probe.interval)) +
                         " is not shorter than the open interval, " +
                         format_duration(breaker.transitions.open_timeout) + ": it is over before the first try");
  }

  void check_retries(const Retries& retries, const Timeouts& timeouts, const Path& path) {
    const Path per_try = path + Path{"per_try_timeout"};
    if (retries.hedge) check_hedge(retries, timeouts, path + Path{"hedge"});
    if (!retries.per_try_timeout || *retries.per_try_timeout * (retries.attempts + 1) <= timeouts.total) return;
    places_.warn(per_try, std::to_string(retries.attempts + 1) + " attempts of " +
                              places_.shown(per_try, format_duration(*retries.per_try_timeout)) +
                              " do not fit into timeouts.total, " + format_duration(timeouts.total));
  }

  void check_hedge(const Retries& retries, const Timeouts& timeouts, const Path& path) {
    const HedgeDelay& delay = retries.hedge->after;
    const milliseconds answer =
        std::min({timeouts.total, timeouts.response, retries.per_try_timeout.value_or(timeouts.total)});
    if (!delay.is_percentile() && delay.fixed >= answer)
      places_.warn(path + Path{"after"},
                   "there is never a hedge: timeouts.response, timeouts.total or retries.per_try_timeout ends the "
                   "attempt before that");
    if (!retries.budget)
      places_.warn(path, "hedges without a budget: an upstream that grows slow gets every request twice");
  }

  // 429 is the exception: it is how a rate-limited service says that it is overloaded.
  void check_client_errors(const Conditions& failure, const Path& path) {
    for (int status = 400; status < 500; ++status) {
      if (status == 429 || !failure.has_status(status)) continue;
      return places_.warn(path, "4xx under failure: a client's own mistakes can open the breaker for everyone");
    }
  }

  // Why nothing of this upstream is ever stored; empty where something can be.
  std::string never_stores(const Upstream& upstream) const {
    if (config_.cache_memory == 0) return "cache_memory is 0";
    return upstream.cache.max_object == 0 ? "cache.max_object is 0" : "";
  }

  void check_chain(const Fallback& fallback, const Upstream& upstream, const Path& path) {
    bool answered = false;
    for (std::size_t i = 0; i < fallback.chain.size(); ++i) {
      const Path step = path + Path{std::to_string(i)};
      if (answered) places_.warn(step, "this step is never reached: the static step before it always answers");
      answered = answered || std::holds_alternative<StaticStep>(fallback.chain[i]);
      if (const auto* cache = std::get_if<CacheStep>(&fallback.chain[i])) check_cache_step(*cache, upstream, step);
    }
  }

  void check_interim(const Fallback& fallback, const Path& path) {
    for (int status = 100; status < 200; ++status) {
      if (!fallback.on.has_status(status)) continue;
      return places_.warn(path,
                          "1xx under on: of these only a 101 ends an exchange, and with a fallback in its place "
                          "no request is upgraded");
    }
  }

  // Only where the step was written: the default chain with a cache of size 0 is how caching is turned off.
  void check_cache_step(const CacheStep& cache, const Upstream& upstream, const Path& step) {
    const std::string why = never_stores(upstream);
    if (why.empty()) return;
    if (cache.max_stale > 0ms)
      places_.warn(step + Path{"cache", "max_stale"}, "max_stale on a cache that never stores: " + why);
    else if (places_.find(step) != nullptr)
      places_.warn(step, "a cache that can remember nothing: " + why);
  }

  void check_routes(std::size_t listener) {
    const std::vector<Route>& routes = config_.listeners[listener].routes;
    for (std::size_t i = 0; i < routes.size(); ++i) {
      if (!routes[i].timeouts && !routes[i].fallback && !routes[i].retries && !routes[i].circuit_breaker) continue;
      const Path path = {"listeners", std::to_string(listener), "routes", std::to_string(i)};
      check_route(routes[i], *upstreams_.at(routes[i].upstream), path);
    }
  }

  void check_route(const Route& route, const Upstream& upstream, const Path& path) {
    check_route_breaker(route, upstream, path);
    if (route.timeouts || route.retries)
      check_retries(route.retries.value_or(upstream.retries), route.timeouts.value_or(upstream.timeouts),
                    path + Path{"retries"});
    if (route.fallback) check_interim(*route.fallback, path + Path{"fallback", "on"});
    if (route.fallback && route.fallback->chain != upstream.fallback.chain)
      check_chain(*route.fallback, upstream, path + Path{"fallback", "chain"});
  }

  // Of what is not its upstream's, of which the same was said.
  void check_route_breaker(const Route& route, const Upstream& upstream, const Path& path) {
    const CircuitBreaker& breaker = circuit_breaker_of(route, upstream);
    const CircuitBreaker& above = upstream.circuit_breaker;
    if (breaker.mode == Mode::disabled) return;
    const Path own = path + Path{"circuit_breaker"};
    const Path theirs = {"upstreams", upstream.name};
    const bool unsaid = above.mode == Mode::disabled;
    const bool own_open = unsaid || breaker.transitions.open_timeout != above.transitions.open_timeout;
    const Path open = (own_open ? own : theirs + Path{"circuit_breaker"}) + Path{"transitions", "open_timeout"};
    const bool own_response = route.timeouts && route.timeouts->response != upstream.timeouts.response;
    const Path response = (own_response ? path : theirs) + Path{"timeouts", "response"};
    if (own_open || own_response)
      check_interval(breaker, route.timeouts.value_or(upstream.timeouts), own_response ? response : open, open,
                     response);
    if (own_open || breaker.recovery.probe != above.recovery.probe)
      check_probe(breaker, own + Path{"recovery", "probe", "interval"});
    if (unsaid || breaker.classify.failure != above.classify.failure)
      check_client_errors(breaker.classify.failure, own + Path{"classify", "failure"});
  }

  const Config& config_;
  const TrapPlaces places_;
  std::map<std::string_view, const Upstream*> upstreams_;
};

}  // namespace

void warn_of_traps(const Config& config, const Node& root, Report& report) { Traps(config, root, report).run(); }

}  // namespace fusewire::config
