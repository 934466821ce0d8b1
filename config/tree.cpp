// SPDX-License-Identifier: Apache-2.0
#include "config/tree.hpp"

#include "config/addresses.hpp"
#include "config/emit.hpp"
#include "config/from_variables.hpp"
#include "config/load.hpp"
#include "config/node_makers.hpp"
#include "config/words.hpp"

namespace fusewire::config {
namespace {

Node limits_node(const ListenerLimits& limits) {
  Node map = map_node();
  put(map, "max_connections", count_node(limits.max_connections));
  put(map, "max_request_line", size_node(limits.max_request_line));
  put(map, "max_head_bytes", size_node(limits.max_head_bytes));
  put(map, "max_fields", count_node(limits.max_fields));
  put(map, "max_body", size_node(limits.max_body));
  put(map, "head_timeout", duration_node(limits.head_timeout));
  put(map, "body_timeout", duration_node(limits.body_timeout));
  put(map, "idle_timeout", duration_node(limits.idle_timeout));
  put(map, "send_timeout", duration_node(limits.send_timeout));
  put(map, "when_full", word_node(name_of(kWhenFull, limits.when_full)));
  return map;
}

Node match_node(const Match& match) {
  Node map = map_node();
  if (!match.host.empty()) put(map, "host", text_node(match.host));
  if (!match.path_prefix.empty()) put(map, "path_prefix", text_node(match.path_prefix));
  if (!match.path.empty()) put(map, "path", text_node(match.path));
  if (!match.methods.empty()) put(map, "methods", texts_node(match.methods));
  if (!match.headers.empty()) put(map, "headers", fields_node(match.headers));
  return map;
}

Node single_node(std::string_view key, Node value) {
  Node map = map_node();
  put(map, key, std::move(value));
  return map;
}

Node host_rewrite_node(const HostRewrite& host) {
  return host.kind == HostRewrite::Kind::name ? text_node(host.name) : word_node(name_of(kHostRewrites, host.kind));
}

Node route_node(const Route& route) {
  Node map = map_node();
  if (!route.name.empty()) put(map, "name", text_node(route.name));
  put(map, "match", match_node(route.match));
  put(map, "upstream", text_node(route.upstream));
  put(map, "upgrades", texts_node(route.upgrades));
  put(map, "rewrite", single_node("host", host_rewrite_node(route.host)));
  put(map, "normalize", word_node(name_of(kNormalize, route.normalize)));
  if (route.timeouts) put(map, "timeouts", tree_of(*route.timeouts));
  if (route.fallback) put(map, "fallback", tree_of(*route.fallback));
  return map;
}

void put_text(Node& map, std::string_view key, const std::string& text) {
  if (!text.empty()) put(map, key, text_node(text));
}

// Paths only: what the files hold is never printed.
Node tls_node(const ListenerTls& tls) {
  Node map = map_node();
  put_text(map, "certificate", tls.certificate);
  put_text(map, "private_key", tls.private_key);
  put_text(map, "client_ca", tls.client_ca);
  put(map, "min_version", text_node(name_of(kTlsVersions, tls.min_version)));
  return map;
}

Node tls_node(const UpstreamTls& tls) {
  Node map = map_node();
  put(map, "ca", text_node(tls.ca.empty() ? "system" : tls.ca));
  put_text(map, "certificate", tls.certificate);
  put_text(map, "private_key", tls.private_key);
  put_text(map, "server_name", tls.server_name);
  put(map, "verify", flag_node(tls.verify));
  return map;
}

Node listener_node(const Listener& listener) {
  Node map = map_node();
  put(map, "name", text_node(listener.name));
  put(map, "address", text_node(format_address(listener.address)));
  if (listener.mode) put(map, "mode", text_node(format_file_mode(*listener.mode)));
  put(map, "client_half_close", word_node(name_of(kHalfClose, listener.client_half_close)));
  if (listener.tls) put(map, "tls", tls_node(*listener.tls));
  std::vector<std::string> networks;
  for (const Network& network : listener.trust_forwarded) networks.push_back(format_network(network));
  put(map, "trust_forwarded", texts_node(networks));
  put(map, "limits", limits_node(listener.limits));
  Node routes = list_node();
  for (const Route& route : listener.routes) routes.children.push_back(route_node(route));
  put(map, "routes", std::move(routes));
  return map;
}

Node upstream_node(const Upstream& upstream) {
  Node map = map_node();
  std::vector<std::string> urls;
  for (const Endpoint& endpoint : upstream.endpoints) urls.push_back(endpoint.url);
  put(map, "endpoints", texts_node(urls));
  put(map, "dns_refresh", duration_node(upstream.dns_refresh));
  put(map, "circuit_breaker", tree_of(upstream.circuit_breaker));
  put(map, "timeouts", tree_of(upstream.timeouts));
  Node limits = map_node();
  put(limits, "max_connections", count_node(upstream.limits.max_connections));
  put(limits, "max_concurrent_requests", count_node(upstream.limits.max_concurrent_requests));
  put(limits, "max_head_bytes", size_node(upstream.limits.max_head_bytes));
  put(limits, "max_fields", count_node(upstream.limits.max_fields));
  put(map, "limits", std::move(limits));
  put(map, "fallback", tree_of(upstream.fallback));
  Node cache = map_node();
  put(cache, "serve", word_node(name_of(kServes, upstream.cache.serve)));
  put(cache, "request_directives", word_node(name_of(kRequestDirectives, upstream.cache.request_directives)));
  put(cache, "max_object", size_node(upstream.cache.max_object));
  put(cache, "store_set_cookie", flag_node(upstream.cache.store_set_cookie));
  put(cache, "heuristic_fraction", number_node(upstream.cache.heuristic_fraction));
  put(map, "cache", std::move(cache));
  put(map, "tls", tls_node(upstream.tls));
  return map;
}

Node admin_node(const Admin& admin, bool show_redacted) {
  Node map = map_node();
  put(map, "address", text_node(format_address(admin.address)));
  if (show_redacted && !admin.token.empty()) put(map, "token", text_node("<redacted>"));
  put(map, "read_requires_token", flag_node(admin.read_requires_token));
  put(map, "allowed_hosts", texts_node(admin.allowed_hosts));
  put(map, "probes", admin.probes ? text_node(format_address(*admin.probes)) : word_node("off"));
  return map;
}

Node log_node(const Log& log) {
  Node map = map_node();
  put(map, "level", word_node(name_of(kLogLevels, log.level)));
  put(map, "format", word_node(name_of(kLogFormats, log.format)));
  put(map, "access", flag_node(log.access));
  put(map, "access_sample", number_node(log.access_sample));
  return map;
}

}  // namespace

Node tree_of(const Config& config, bool show_redacted) {
  Node root = map_node();
  put(root, "version", word_node("1"));
  Node listeners = list_node();
  for (const Listener& listener : config.listeners) listeners.children.push_back(listener_node(listener));
  put(root, "listeners", std::move(listeners));
  Node upstreams = map_node();
  for (const Upstream& upstream : config.upstreams) put(upstreams, upstream.name, upstream_node(upstream));
  put(root, "upstreams", std::move(upstreams));
  put(root, "cache_memory", size_node(config.cache_memory));
  if (!config.via.empty()) put(root, "via", text_node(config.via));
  put(root, "admin", admin_node(config.admin, show_redacted));
  put(root, "events", single_node("history", count_node(config.event_history)));
  put(root, "log", log_node(config.log));
  Node shutdown = single_node("drain_timeout", duration_node(config.shutdown.drain_timeout));
  put(shutdown, "grace", duration_node(config.shutdown.grace));
  put(root, "shutdown", std::move(shutdown));
  put(root, "runtime", single_node("workers", config.workers == 0 ? word_node("auto") : count_node(config.workers)));
  return root;
}

// Without the token, so that the file loads as it stands: a made-up one would be a known password. A value
// that came from a variable has to be written as ${NAME} again before the text loads.
std::string to_yaml(const Config& config) {
  Node tree = tree_of(config, false);
  name_variables(tree, config.from_variables);
  std::string text = emit_yaml(tree);
  const bool shown = tree.find("admin")->find("token") != nullptr;
  if (!config.admin.token.empty() && !shown) text += "# admin.token is set and not shown\n";
  if (!config.from_variables.empty())
    text += "# <from NAME> came from a variable; as a file, this needs ${NAME} there\n";
  return text;
}

std::string to_json(const Config& config) {
  Node tree = tree_of(config, true);
  name_variables(tree, config.from_variables);
  return emit_json(tree);
}

}  // namespace fusewire::config
