// SPDX-License-Identifier: Apache-2.0
#include "config/describe/process.hpp"
#include "config/describe/read.hpp"
#include "config/report.hpp"
#include "config/route_states.hpp"
#include "config/section_parts.hpp"
#include "config/sections.hpp"

namespace fusewire::config {
namespace {

constexpr std::size_t kMaxRoutes = 100'000;  // over all listeners

const Node* find_upstream(const Node& root, const std::string& name) {
  const Node* upstreams = root.find("upstreams");
  return upstreams != nullptr ? upstreams->find(name) : nullptr;
}

Route read_route(const Node& node, const Node& root, Report& report) {
  const Node* upstream = node.find("upstream");
  Route route;
  read_section(Reader(&node, report), route, upstream != nullptr ? find_upstream(root, upstream->text) : nullptr);
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

Listener read_listener(const Node& node, const Node& root, const std::vector<Upstream>& upstreams, RouteStates& states,
                       Report& report) {
  const Reader reader(&node, report);
  Listener listener;
  read_section(reader, listener);
  if (const Node* name = reader.find("name"); name != nullptr && name->text.empty())
    report.error(*name, "a listener's name is empty");
  else
    LabelText::read(reader, "name", listener.name);  // as those of webhooks: it is in logs and metrics
  // A port has no file.
  if (const Node* mode = reader.find("mode"); mode != nullptr && listener.address.kind != Address::Kind::unix_socket)
    report.error(*mode, "mode is for unix:/path addresses only");
  if (!reader.has("routes")) listener.routes = implied_routes(upstreams);
  for (const Node& route : reader.items("routes"))
    if (route.kind != Node::Kind::invalid) {
      listener.routes.push_back(read_route(route, root, report));
      states.check(route, listener.routes.back());
    }
  if (const Node* routes = reader.find("routes"); routes != nullptr && routes->children.empty())
    report.error(*routes, "expected at least one route; without the key, everything is routed as with 'listen'");
  return listener;
}

}  // namespace

std::vector<Listener> read_listeners(const Node& root, const std::vector<Upstream>& upstreams, Report& report) {
  const Reader reader(&root, report);
  RouteStates states(upstreams, report);
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
    listeners.push_back(read_listener(item, root, upstreams, states, report));
    routes += listeners.back().routes.size();
    if (routes <= kMaxRoutes) continue;
    report.error(*list, "more than " + std::to_string(kMaxRoutes) + " routes, those of listeners without any counted");
    break;
  }
  return listeners;
}

}  // namespace fusewire::config
