// SPDX-License-Identifier: Apache-2.0
#include "proxy/admin/router.hpp"

#include <algorithm>
#include <array>

#include "config/messages.hpp"
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
  RunsOn runs_on = RunsOn::admin_thread;
  bool on_probes = false;
  std::string_view parameter = {};  // the one that may stand in the query
  std::size_t max_body = 0;
  bool is_page = false;  // holds nothing of this process: it is read without a token
};

constexpr std::size_t kMaxNames = 64 * config::kKiB;  // a list of breakers
constexpr std::size_t kMaxFault = 4 * config::kKiB;
using enum RunsOn;

// {name} stands for one segment; a path without it goes before one with it.
constexpr std::array kEndpoints = {
    Endpoint{"GET", "/admin/health", get_health, admin_thread, true},
    Endpoint{"GET", "/admin/ready", get_ready, admin_thread, true},
    Endpoint{"GET", "/metrics", get_metrics, scrape, true},
    Endpoint{"GET", "/admin/circuit-breakers", get_breakers},
    Endpoint{"GET", "/admin/circuit-breakers/health", get_breakers_health},
    Endpoint{"GET", "/api/circuit-breakers/health", get_breakers_health},
    Endpoint{"POST", "/admin/circuit-breakers/reset", post_reset, control_thread, false, {}, kMaxNames},
    Endpoint{"POST", "/api/circuit-breakers/reset", post_reset, control_thread, false, {}, kMaxNames},
    Endpoint{"GET", "/admin/circuit-breakers/{name}", get_breaker},
    Endpoint{"POST", "/admin/circuit-breakers/{name}/reset", post_breaker_reset, control_thread},
    Endpoint{"POST", "/admin/circuit-breakers/{name}/force-open", post_force_open, control_thread, false, "for"},
    Endpoint{"POST", "/admin/circuit-breakers/{name}/force-close", post_force_close, control_thread, false, "for"},
    Endpoint{"POST", "/admin/circuit-breakers/{name}/release", post_release, control_thread},
    Endpoint{"GET", "/admin/events", get_events, admin_thread, false, "since"},
    Endpoint{"GET", "/admin/events/stream", get_event_stream, admin_thread, false, "since"},
    Endpoint{"GET", "/admin/faults", get_faults},
    Endpoint{"PUT", "/admin/faults", put_fault, control_thread, false, {}, kMaxFault},
    Endpoint{"DELETE", "/admin/faults", delete_faults, control_thread},
    Endpoint{"DELETE", "/admin/faults/{name}", delete_fault_of, control_thread},
    Endpoint{"GET", "/admin/explain/{name}", get_explain, aside},
    Endpoint{"GET", "/admin/upstreams", get_upstreams},
    Endpoint{"GET", "/admin/cache", get_cache},
    Endpoint{"DELETE", "/admin/cache", delete_cache, aside},
    Endpoint{"DELETE", "/admin/cache/{name}", delete_cache_of, aside},
    Endpoint{"GET", "/admin/config", get_config, aside},
    Endpoint{"POST", "/admin/config/reload", post_reload, reload},
    Endpoint{"POST", "/admin/config/check", post_check, aside, false, {}, kMaxBody},
    Endpoint{"POST", "/admin/drain", post_drain, control_thread},
    Endpoint{"GET", "/", get_dashboard, admin_thread, false, {}, 0, true},
    Endpoint{"GET", "/dashboard/{name}", get_dashboard_file, admin_thread, false, {}, 0, true},
    Endpoint{"GET", "/admin/dashboard/stream", get_dashboard_stream},
};

// A load balancer's `OPTIONS /` or `OPTIONS *` asks whether to send traffic.
constexpr Endpoint kOptionsOfAll{"OPTIONS", "*", get_ready, admin_thread, true};

// OPTIONS has a target of its own, `*`, which is answered as `/` is.
std::optional<Target> parse_target(const Request& request) {
  return admin::parse_target(request.method == "OPTIONS" && request.target == "*" ? "/" : request.target);
}

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

// Health and readiness take OPTIONS as GET: it is what a load balancer's health check sends, and it goes by the status.
bool takes_options(const Endpoint& endpoint) { return endpoint.on_probes && endpoint.runs_on == admin_thread; }

bool takes(const Endpoint& endpoint, std::string_view method) {
  if (method == "OPTIONS") return takes_options(endpoint);
  return endpoint.method == (method == "HEAD" ? "GET" : method);
}

std::string_view methods_of(const Endpoint& endpoint) {
  if (takes_options(endpoint)) return "GET, HEAD, OPTIONS";
  return endpoint.method == "GET" ? "GET, HEAD" : endpoint.method;
}

Found find(Interface interface, std::string_view method, const std::vector<std::string>& segments) {
  Found found;
  if (method == "OPTIONS" && segments == std::vector<std::string>{""}) return {&kOptionsOfAll, {}, "OPTIONS"};
  std::string_view path;
  for (const Endpoint& endpoint : kEndpoints) {
    if (interface == Interface::probes && !endpoint.on_probes) continue;
    if (!path.empty() && endpoint.path != path) continue;
    const auto name = match(endpoint.path, segments);
    if (!name) continue;
    path = endpoint.path;
    found.name = *name;
    if (takes(endpoint, method)) found.endpoint = &endpoint;
    if (!found.allow.empty()) found.allow += ", ";
    found.allow += methods_of(endpoint);
  }
  return found;
}

Reply not_found(Interface interface) {
  return problem(
      404, "NotFound",
      interface == Interface::probes
          ? "this address serves /admin/health, /admin/ready and /metrics"
          : "no such path; / is the dashboard, /admin/circuit-breakers and /metrics are good places to start");
}

Reply not_allowed(const std::string& allow) {
  Reply reply = problem(405, "MethodNotAllowed", "this path takes " + allow);
  reply.fields.emplace_back("Allow", allow);
  return reply;
}

std::optional<Reply> refuse_caller(const Endpoint& endpoint, const config::Admin& config, const Request& request) {
  if (endpoint.is_page) return std::nullopt;
  return request.is_read() ? refuse_read(config, request) : refuse_change(config, request);
}

// What is not read takes no memory: a body is refused by the head that announces it.
std::optional<Reply> refuse_body(const Endpoint& endpoint, const Request& request) {
  if (!request.has_body || endpoint.max_body > 0) return std::nullopt;
  if (request.is_read()) return problem(413, "BodyTooLarge", "this call takes no body");
  return problem(400, "BadRequest", "this call takes no body; parameters stand in the query, as in ?for=10m");
}

// A slip such as ?fro=10m must not become an override without an end. A call that changes nothing and takes no
// parameter takes any.
std::optional<Reply> refuse_query(const Endpoint& endpoint, const Target& target) {
  if (endpoint.parameter.empty() && (endpoint.method == "GET" || endpoint.method == "OPTIONS")) return std::nullopt;
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

std::optional<Reply> refuse(const Control& control, Interface interface, const Request& request) {
  const auto view = control.view();
  const auto target = parse_target(request);
  if (!target) return problem(400, "BadRequest", "the request target is malformed");
  if (auto reply = refuse_host(view->admin, request, target->authority)) return reply;
  const Found found = find(interface, request.method, target->segments);
  if (!found.endpoint) return found.allow.empty() ? not_found(interface) : not_allowed(found.allow);
  if (interface == Interface::probes) return refuse_body(*found.endpoint, request);
  auto reply = refuse_caller(*found.endpoint, view->admin, request);
  if (!reply) reply = refuse_query(*found.endpoint, *target);
  if (!reply) reply = refuse_body(*found.endpoint, request);
  if (reply && !request.is_read())
    log::warn("admin change refused", {{"method", request.method},
                                       {"path", found.endpoint->path},
                                       {"status", std::int64_t{reply->status}},
                                       {"peer", request.peer}});
  return reply;
}

Handling handling(Interface interface, const Request& request) {
  const Endpoint& endpoint = *find(interface, request.method, parse_target(request)->segments).endpoint;
  return {endpoint.runs_on, endpoint.max_body};
}

Reply answer(Control& control, Interface interface, const Request& request, Moment now) {
  const auto target = parse_target(request);
  const Found found = find(interface, request.method, target->segments);
  const auto view = control.view();
  Reply reply = found.endpoint->handler({control, *view, request, *target, found.name, now});
  if (request.method == "OPTIONS") reply.fields.emplace_back("Allow", found.allow);
  return reply;
}

Reply scrape_reply(std::shared_ptr<const std::string> text, const Exposition& exposition) {
  if (!text) return problem(500, "InternalError", "the scrape failed; the log says why");
  Reply reply;
  reply.content_type = exposition.content_type;
  reply.shared_body = std::move(text);
  reply.fields.emplace_back("Vary", "Accept");
  return reply;
}

}  // namespace fusewire::proxy::admin
