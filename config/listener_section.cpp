// SPDX-License-Identifier: Apache-2.0
#include "config/addresses.hpp"
#include "config/overrides.hpp"
#include "config/scalars.hpp"
#include "config/sections.hpp"
#include "config/words.hpp"

namespace fusewire::config {
namespace {

constexpr std::size_t kMaxListeners = 64;
constexpr std::size_t kMaxRoutes = 100'000;  // over all listeners
constexpr std::uint64_t kMaxConnections = 1'000'000;

void read_limits(const Reader& reader, ListenerLimits& limits) {
  reader.count("max_connections", limits.max_connections, 1, kMaxConnections);
  reader.size("max_request_line", limits.max_request_line, 64, kMaxHeadBytes);
  reader.size("max_head_bytes", limits.max_head_bytes, 256, kMaxHeadBytes);
  reader.count("max_fields", limits.max_fields, 1, 10'000);
  reader.size("max_body", limits.max_body, 0, kUnlimited);
  reader.duration("head_timeout", limits.head_timeout);
  reader.duration("body_timeout", limits.body_timeout);
  reader.duration("idle_timeout", limits.idle_timeout);
  reader.duration("send_timeout", limits.send_timeout);
  reader.word("when_full", limits.when_full, kWhenFull);
}

void read_networks(const Reader& reader, std::vector<Network>& networks) {
  for (const Node& item : reader.items("trust_forwarded")) {
    if (item.kind == Node::Kind::invalid) continue;
    Parsed<Network> parsed = parse_network(item.text);
    if (parsed.value)
      networks.push_back(*parsed.value);
    else
      reader.error(item, parsed.error + "; found " + describe(item));
  }
}

void read_path(const Reader& reader, std::string_view key, std::string& out) {
  reader.text(key, out);
  const Node* node = reader.find(key);
  const auto bad = [](char c) { return static_cast<unsigned char>(c) <= 0x20 || c == 0x7f || c == '?' || c == '#'; };
  if (node != nullptr && (!out.starts_with('/') || std::find_if(out.begin(), out.end(), bad) != out.end()))
    reader.error(*node, expected("a path that begins with '/', without query or spaces", *node));
}

void read_methods(const Reader& reader, std::vector<std::string>& methods) {
  for (const Node& item : reader.items("methods")) {
    if (item.kind == Node::Kind::invalid) continue;
    const bool lower = std::any_of(item.text.begin(), item.text.end(), [](char c) { return c >= 'a' && c <= 'z'; });
    if (!is_token(item.text) || lower)
      reader.error(item, expected("a method in capitals, such as GET", item));
    else
      methods.push_back(item.text);
  }
}

// Protocols as the Upgrade field names them: a token, or two with a slash (RFC 9110 §7.8).
bool is_protocol(std::string_view text) {
  const std::size_t slash = text.find('/');
  return is_token(text.substr(0, slash)) && (slash == std::string_view::npos || is_token(text.substr(slash + 1)));
}

void read_upgrades(const Reader& reader, std::vector<std::string>& upgrades) {
  if (reader.find("upgrades") == nullptr) return;
  upgrades.clear();
  for (const Node& item : reader.items("upgrades")) {
    if (item.kind == Node::Kind::invalid) continue;
    const std::string protocol = to_lower(item.text);
    if (!is_protocol(protocol))
      reader.error(item, expected("a protocol such as websocket", item));
    else if (protocol == "h2c")
      reader.error(item, "h2c is HTTP again: its requests would pass every route, limit and breaker unseen");
    else
      upgrades.push_back(protocol);
  }
}

void read_host_rewrite(const Reader& reader, HostRewrite& host) {
  const Node* node = reader.find("host");
  if (node == nullptr) return;
  for (const auto& word : kHostRewrites) {
    if (word.name != node->text) continue;
    host.kind = word.value;
    return;
  }
  if (!is_authority(node->text))
    return reader.error(*node, expected("auto, preserve, endpoint or a name such as orders.example", *node));
  host = {.kind = HostRewrite::Kind::name, .name = node->text};
}

// Only of a unix socket: a port has no file.
void read_mode(const Reader& reader, Listener& listener) {
  const Node* node = reader.find("mode");
  if (node == nullptr) return;
  listener.mode = parse_file_mode(node->text);
  // In the file only: other YAML tools read 0660 as a number.
  const bool plain = node->mark.origin == Origin::file && node->from.empty() && !node->quoted;
  if (!listener.mode || plain) reader.error(*node, expected("a file mode in quotes such as \"0660\"", *node));
  if (listener.address.kind != Address::Kind::unix_socket) reader.error(*node, "mode is for unix:/path addresses only");
}

Match read_match(const Reader& reader) {
  Match match;
  if (const Node* host = reader.find("host")) {
    match.host = to_lower(host->text);
    if (!is_host(match.host)) reader.error(*host, expected("a host without port", *host));
  }
  read_path(reader, "path_prefix", match.path_prefix);
  read_path(reader, "path", match.path);
  read_methods(reader, match.methods);
  match.headers = read_fields(reader, "headers");
  for (auto& [name, value] : match.headers) name = to_lower(name);
  return match;
}

const Node* find_upstream(const Node& root, const std::string& name) {
  const Node* upstreams = root.find("upstreams");
  return upstreams != nullptr ? upstreams->find(name) : nullptr;
}

// The route's own map with the upstream's section of that name under it.
Node merged(const Node& own, const Node* upstream) {
  Node section = own;
  const Node* under = upstream != nullptr ? upstream->find(own.key) : nullptr;
  if (under != nullptr) merge_under(section, *under);
  return section;
}

Route read_route(const Node& node, const Node& root, Report& report) {
  const Reader reader(&node, report);
  Route route;
  reader.text("name", route.name);
  route.match = read_match(reader.below("match"));
  reader.missing("upstream", "the name of an upstream");
  reader.text("upstream", route.upstream);
  read_upgrades(reader, route.upgrades);
  read_host_rewrite(reader.below("rewrite"), route.host);
  reader.word("normalize", route.normalize, kNormalize);
  const Node* upstream = find_upstream(root, route.upstream);
  if (const Node* own = reader.find("timeouts")) {
    const Node section = merged(*own, upstream);
    route.timeouts = read_timeouts(Reader(&section, report));
  }
  if (const Node* own = reader.find("fallback")) {
    const Node section = merged(*own, upstream);
    route.fallback = read_fallback(Reader(&section, report));
  }
  return route;
}

// Everything to the only upstream; with several, by Host = upstream name.
std::vector<Route> implied_routes(const std::vector<Upstream>& upstreams) {
  std::vector<Route> routes;
  for (const Upstream& upstream : upstreams) {
    Route route;
    route.name = route.upstream = upstream.name;
    if (upstreams.size() > 1) route.match.host = upstream.name;
    routes.push_back(std::move(route));
  }
  return routes;
}

Listener read_listener(const Node& node, const Node& root, const std::vector<Upstream>& upstreams, Report& report) {
  const Reader reader(&node, report);
  Listener listener;
  reader.text("name", listener.name);
  if (const Node* name = reader.find("name"); name != nullptr && name->text.empty())
    report.error(*name, "a listener's name is empty");
  reader.missing("address", "HOST:PORT or unix:/path");
  if (const Node* address = reader.find("address")) read_address(*address, listener.address, report);
  read_mode(reader, listener);
  reader.word("client_half_close", listener.client_half_close, kHalfClose);
  if (reader.find("tls") != nullptr) listener.tls = read_listener_tls(reader.below("tls"));
  read_networks(reader, listener.trust_forwarded);
  read_limits(reader.below("limits"), listener.limits);
  if (!reader.has("routes")) listener.routes = implied_routes(upstreams);
  for (const Node& route : reader.items("routes"))
    if (route.kind != Node::Kind::invalid) listener.routes.push_back(read_route(route, root, report));
  if (const Node* routes = reader.find("routes"); routes != nullptr && routes->children.empty())
    report.error(*routes, "expected at least one route; without the key, everything is routed as with 'listen'");
  return listener;
}

}  // namespace

std::vector<Listener> read_listeners(const Node& root, const std::vector<Upstream>& upstreams, Report& report) {
  const Reader reader(&root, report);
  std::vector<Listener> listeners;
  if (!reader.has("listen")) reader.missing("listeners", "'listen: HOST:PORT' or a list of listeners");
  if (const Node* listen = reader.find("listen")) {
    if (reader.has("listeners")) report.error(*listen, "'listen' and 'listeners' exclude each other");
    Listener listener;
    read_address(*listen, listener.address, report);
    listener.routes = implied_routes(upstreams);
    listeners.push_back(std::move(listener));
  }
  const Node* list = reader.find("listeners");
  if (list == nullptr) return listeners;
  if (list->children.empty() || list->children.size() > kMaxListeners) {
    report.error(*list, "expected from 1 to " + std::to_string(kMaxListeners) + " listeners");
    return listeners;
  }
  std::size_t routes = 0;
  for (const Node& item : list->children) {
    if (item.kind == Node::Kind::invalid) continue;
    listeners.push_back(read_listener(item, root, upstreams, report));
    routes += listeners.back().routes.size();
    if (routes <= kMaxRoutes) continue;
    report.error(*list, "more than " + std::to_string(kMaxRoutes) + " routes, those of listeners without any counted");
    break;
  }
  return listeners;
}

}  // namespace fusewire::config
