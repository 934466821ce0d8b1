// SPDX-License-Identifier: Apache-2.0
#include "proxy/admin/router.hpp"

#include <algorithm>
#include <array>

#include "config/diagnostics.hpp"
#include "proxy/admin/auth.hpp"
#include "proxy/admin/handlers.hpp"
#include "proxy/admin/target.hpp"
#include "proxy/observe/log.hpp"

namespace fusewire::proxy::admin {
namespace {

struct Endpoint {
  std::string_view method;
  std::string_view path;
  Reply (*handler)(const Call&);
  bool on_probes = false;
  std::string_view parameter = {};  // the one that may stand in the query
  bool takes_body = false;
};

// {name} stands for one segment; a path without it goes before one with it.
constexpr std::array kEndpoints = {
    Endpoint{"GET", "/admin/health", get_health, true},
    Endpoint{"GET", "/admin/ready", get_ready, true},
    Endpoint{"GET", "/metrics", get_metrics, true},
    Endpoint{"GET", "/admin/circuit-breakers", get_breakers},
    Endpoint{"GET", "/admin/circuit-breakers/health", get_breakers_health},
    Endpoint{"GET", "/api/circuit-breakers/health", get_breakers_health},
    Endpoint{"POST", "/admin/circuit-breakers/reset", post_reset, false, {}, true},
    Endpoint{"POST", "/api/circuit-breakers/reset", post_reset, false, {}, true},
    Endpoint{"GET", "/admin/circuit-breakers/{name}", get_breaker},
    Endpoint{"POST", "/admin/circuit-breakers/{name}/reset", post_breaker_reset},
    Endpoint{"POST", "/admin/circuit-breakers/{name}/force-open", post_force_open, false, "for"},
    Endpoint{"POST", "/admin/circuit-breakers/{name}/force-close", post_force_close, false, "for"},
    Endpoint{"POST", "/admin/circuit-breakers/{name}/release", post_release},
    Endpoint{"GET", "/admin/events", get_events, false, "since"},
    Endpoint{"GET", "/admin/events/stream", get_event_stream, false, "since"},
    Endpoint{"GET", "/admin/upstreams", get_upstreams},
    Endpoint{"GET", "/admin/cache", get_cache},
    Endpoint{"DELETE", "/admin/cache", delete_cache},
    Endpoint{"DELETE", "/admin/cache/{name}", delete_cache_of},
    Endpoint{"GET", "/admin/config", get_config},
    Endpoint{"POST", "/admin/config/reload", post_reload},
    Endpoint{"POST", "/admin/config/check", post_check, false, {}, true},
    Endpoint{"POST", "/admin/drain", post_drain},
};

// The value of {name} (empty without one), or nothing when the path is another one.
std::optional<std::string> match(std::string_view pattern, const std::vector<std::string>& segments) {
  std::string name;
  for (const std::string& segment : segments) {
    if (!pattern.starts_with('/')) return std::nullopt;
    pattern.remove_prefix(1);
    const std::string_view wanted = pattern.substr(0, pattern.find('/'));
    if (wanted == "{name}")
      name = segment;
    else if (wanted != segment)
      return std::nullopt;
    pattern.remove_prefix(wanted.size());
  }
  return pattern.empty() ? std::optional(name) : std::nullopt;
}

struct Found {
  const Endpoint* endpoint = nullptr;
  std::string name;
  std::string allow;  // where the path is known and the method is not
};

Found find(Door door, std::string_view method, const std::vector<std::string>& segments) {
  Found found;
  std::string_view path;
  for (const Endpoint& endpoint : kEndpoints) {
    if (door == Door::probes && !endpoint.on_probes) continue;
    if (!path.empty() && endpoint.path != path) continue;
    const auto name = match(endpoint.path, segments);
    if (!name) continue;
    path = endpoint.path;
    found.name = *name;
    if (endpoint.method == (method == "HEAD" ? "GET" : method)) found.endpoint = &endpoint;
    if (!found.allow.empty()) found.allow += ", ";
    found.allow += endpoint.method == "GET" ? "GET, HEAD" : endpoint.method;
  }
  return found;
}

Reply not_found(Door door) {
  return problem(404, "NotFound",
                 door == Door::probes ? "this address serves /admin/health, /admin/ready and /metrics"
                                      : "no such path; /admin/circuit-breakers and /metrics are good places to start");
}

Reply not_allowed(const std::string& allow) {
  Reply reply = problem(405, "MethodNotAllowed", "this path takes " + allow);
  reply.fields.emplace_back("Allow", allow);
  return reply;
}

std::optional<Reply> refuse_caller(const config::Admin& config, const Request& request) {
  return request.is_read() ? refuse_read(config, request) : refuse_change(config, request);
}

// A slip such as ?fro=10m must not become an override without an end. A call that changes nothing and takes no
// parameter takes any.
std::optional<Reply> refuse_query(const Endpoint& endpoint, const Target& target) {
  if (endpoint.parameter.empty() && endpoint.method == "GET") return std::nullopt;
  for (std::size_t i = 0; i < target.query.size(); ++i) {
    const std::string& name = target.query[i].first;
    const std::string unknown = "unknown parameter " + config::quote(name);
    if (endpoint.parameter.empty()) return problem(400, "BadRequest", unknown + "; this call takes none");
    if (name != endpoint.parameter)
      return problem(400, "BadRequest", unknown + config::suggestion(name, {endpoint.parameter}));
    if (i > 0) return problem(400, "BadRequest", "the parameter " + config::quote(name) + " is given more than once");
  }
  return std::nullopt;
}

}  // namespace

std::optional<Reply> refuse(const Control& control, Door door, const Request& request) {
  const config::Admin& config = control.admin();
  const auto target = parse_target(request.target);
  if (!target) return problem(400, "BadRequest", "the request target is malformed");
  if (auto reply = refuse_host(config, request, target->authority)) return reply;
  const Found found = find(door, request.method, target->segments);
  if (!found.endpoint) return found.allow.empty() ? not_found(door) : not_allowed(found.allow);
  if (door == Door::probes) return std::nullopt;
  auto reply = refuse_caller(config, request);
  if (!reply) reply = refuse_query(*found.endpoint, *target);
  if (reply && !request.is_read())
    log::warn("admin change refused", {{"method", request.method},
                                       {"path", found.endpoint->path},
                                       {"status", std::int64_t{reply->status}},
                                       {"peer", request.peer}});
  return reply;
}

Reply answer(Control& control, Door door, const Request& request, Moment now) {
  const auto target = parse_target(request.target);
  const Found found = find(door, request.method, target->segments);
  if (!found.endpoint->takes_body && !request.is_read() && !request.body.empty())
    return problem(400, "BadRequest", "this call takes no body; parameters stand in the query, as in ?for=10m");
  return found.endpoint->handler({control, request, *target, found.name, now});
}

}  // namespace fusewire::proxy::admin
