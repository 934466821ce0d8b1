// SPDX-License-Identifier: Apache-2.0
#include "config/route_states.hpp"

#include <algorithm>

#include "config/messages.hpp"

namespace fusewire::config {
namespace {

bool is_good_name(std::string_view name) {
  const auto may_stand = [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '.' || c == '_' ||
           c == '-';
  };
  return !name.empty() && std::all_of(name.begin(), name.end(), may_stand);
}

const Node& part_of(const Node& route, std::string_view key) {
  const Node* part = route.find(key);
  return part != nullptr ? *part : route;
}

void report_at(const Node& at, const Node& route, std::string message, Report& report) {
  if (&at == &route)
    report.error(route.key_mark, route.path, std::move(message));
  else
    report.error(at, std::move(message));
}

}  // namespace

void RouteStates::check(const Node& node, const Route& route) {
  const auto found = upstreams_.find(route.upstream);
  if (found == upstreams_.end()) return;  // reported elsewhere
  const Upstream& upstream = *found->second;
  const bool own_breaker = has_own_breaker(route, upstream);
  if (route.circuit_breaker && !own_breaker)
    return report_.error(part_of(node, "circuit_breaker"),
                         "a route has a circuit_breaker only with scope: route, here or under its upstream");
  if (own_breaker)
    check_name(node, route, "scope: route");
  else if (has_own_limits(route))
    check_name(node, route, "limits under a route");
  if (!route.name.empty() && (own_breaker || has_own_limits(route))) check_others(node, route, upstream);
}

// Its breaker and limits are known by it: in paths of the admin, in metrics, beside addresses.
void RouteStates::check_name(const Node& node, const Route& route, std::string_view why) {
  if (is_good_name(route.name)) return;
  const Node& at = part_of(node, "name");
  const std::string found = &at == &node ? "" : ", found " + describe(at);
  report_at(at, node,
            std::string(why) + " needs a name for the route, made of letters, digits, '.', '_' and '-'" + found,
            report_);
}

void RouteStates::check_others(const Node& node, const Route& route, const Upstream& upstream) {
  const auto [entry, first] = named_.try_emplace(upstream.name + "/" + route.name,
                                                 Shared{node.path, circuit_breaker_of(route, upstream), route.limits});
  if (first) return;
  const Shared& other = entry->second;
  const char* differs = other.limits != route.limits                                   ? "limits"
                        : other.circuit_breaker != circuit_breaker_of(route, upstream) ? "circuit_breaker"
                                                                                       : nullptr;
  if (differs == nullptr) return;
  const Node& at = part_of(node, differs);
  report_at(at, node,
            "this route and " + other.path + " have one name and one upstream, so they share " + differs +
                ": it must be the same",
            report_);
}

}  // namespace fusewire::config
