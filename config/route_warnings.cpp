// SPDX-License-Identifier: Apache-2.0
#include "config/route_warnings.hpp"

#include <algorithm>
#include <optional>
#include <set>
#include <string_view>
#include <unordered_map>

#include "config/messages.hpp"

namespace fusewire::config {
namespace {

// Bounds of the search: a file may have 100,000 routes.
constexpr std::size_t kMaxCompared = 64;
constexpr std::size_t kMaxSegments = 64;
constexpr std::size_t kMaxNamed = 20;

bool is_under(std::string_view path, std::string_view prefix) {
  if (prefix == "/") return true;
  if (!path.starts_with(prefix)) return false;
  return path.size() == prefix.size() || prefix.ends_with('/') || path[prefix.size()] == '/';
}

// The longest beginning that every path of the match has.
std::string_view beginning(const Match& match) { return match.path.empty() ? match.path_prefix : match.path; }

// Whether every request that `later` matches is one of `earlier`, too.
bool takes_all(const Match& earlier, const Match& later) {
  if (!earlier.host.empty() && earlier.host != later.host) return false;
  if (!earlier.path.empty() && earlier.path != later.path) return false;
  if (!earlier.path_prefix.empty() && !is_under(beginning(later), earlier.path_prefix)) return false;
  const auto has_method = [&](const std::string& method) {
    return std::find(earlier.methods.begin(), earlier.methods.end(), method) != earlier.methods.end();
  };
  if (!earlier.methods.empty() &&
      (later.methods.empty() || !std::all_of(later.methods.begin(), later.methods.end(), has_method)))
    return false;
  return std::all_of(earlier.headers.begin(), earlier.headers.end(), [&](const auto& field) {
    return std::find(later.headers.begin(), later.headers.end(), field) != later.headers.end();
  });
}

// Earlier routes by host and path, so that a route is compared only with those that can be before it in vain.
class Earlier {
 public:
  explicit Earlier(const std::vector<Route>& routes) : routes_(routes) {}

  void add(std::size_t at) {
    const Match& match = routes_[at].match;
    std::string path = match.path_prefix;
    while (path.ends_with('/')) path.pop_back();
    if (!match.path.empty()) path = "=" + match.path;
    std::vector<std::size_t>& bucket = buckets_[match.host + ' ' + path];
    if (bucket.size() < kMaxCompared) bucket.push_back(at);
  }

  std::optional<std::size_t> takes(const Match& match) const {
    std::optional<std::size_t> first;
    const auto look = [&](const std::string& path) {
      for (const std::string& host : {std::string(), match.host}) {
        std::string key = host;
        key += ' ';
        const auto found = first_in(key += path, match);
        if (found && (!first || *found < *first)) first = found;
      }
    };
    look("");
    if (!match.path.empty()) look("=" + match.path);
    const std::string_view whole = beginning(match);
    std::size_t slash = 0;
    for (std::size_t i = 0; i < kMaxSegments && slash < whole.size(); ++i) {
      slash = std::min(whole.find('/', slash + 1), whole.size());
      look(std::string(whole.substr(0, slash)));
    }
    return first;
  }

 private:
  std::optional<std::size_t> first_in(const std::string& key, const Match& match) const {
    const auto bucket = buckets_.find(key);
    if (bucket == buckets_.end()) return std::nullopt;
    for (const std::size_t at : bucket->second)
      if (takes_all(routes_[at].match, match)) return at;
    return std::nullopt;
  }

  const std::vector<Route>& routes_;
  std::unordered_map<std::string, std::vector<std::size_t>> buckets_;
};

void warn_of_unreachable(const std::vector<Route>& routes, const Path& listener, const TrapPlaces& places) {
  Earlier earlier(routes);
  for (std::size_t i = 0; i < routes.size(); ++i) {
    if (const auto taker = earlier.takes(routes[i].match))
      places.warn(listener + Path{"routes", std::to_string(i)},
                  "this route is never reached: routes." + std::to_string(*taker) + " takes all that it matches");
    earlier.add(i);
  }
}

// CONNECT and TRACE are answered with 405 before any route is looked for.
void warn_of_methods(const std::vector<Route>& routes, const Path& listener, const TrapPlaces& places) {
  for (std::size_t i = 0; i < routes.size(); ++i) {
    const std::vector<std::string>& methods = routes[i].match.methods;
    for (std::size_t at = 0; at < methods.size(); ++at)
      if (methods[at] == "CONNECT" || methods[at] == "TRACE")
        places.warn(listener + Path{"routes", std::to_string(i), "match", "methods", std::to_string(at)},
                    "no request with this method is ever forwarded: CONNECT and TRACE are answered with 405");
  }
}

// "orders, payments": what Host must name.
std::string hosts_of(const Config& config, const TrapPlaces& places) {
  std::string names;
  for (std::size_t i = 0; i < std::min(config.upstreams.size(), kMaxNamed); ++i) {
    const std::string& name = config.upstreams[i].name;
    const Node* node = places.find({"upstreams", name});
    const bool hidden = node != nullptr && node->key_from_variable;
    names += (i > 0 ? ", " : "") + (hidden ? from_variable(*node) : name);
  }
  return names + (config.upstreams.size() > kMaxNamed ? ", …" : "");
}

void warn_of_hosts(const Config& config, const Path& listener, const TrapPlaces& places) {
  places.warn(listener,
              "there are several upstreams and no routes: a request goes to the upstream that its Host names (" +
                  hosts_of(config, places) + "), and any other Host gets 404; 'routes' can say otherwise");
}

class Reached {
 public:
  explicit Reached(const Config& config) {
    for (const Upstream& upstream : config.upstreams) by_name_.emplace(upstream.name, &upstream);
    for (const Listener& listener : config.listeners)
      for (const Route& route : listener.routes) {
        reach(route.upstream, !route.fallback);
        if (route.fallback) follow(*route.fallback);
      }
    // A fallback of a fallback, and so on: the list grows meanwhile.
    // NOLINTNEXTLINE(modernize-loop-convert)
    for (std::size_t i = 0; i < open_.size(); ++i) follow(open_[i]->fallback);
  }
  bool contains(const std::string& name) const { return seen_.contains(name); }

 private:
  void reach(const std::string& name, bool with_fallback) {
    seen_.insert(name);
    const auto found = by_name_.find(name);
    if (with_fallback && found != by_name_.end() && followed_.insert(name).second) open_.push_back(found->second);
  }
  void follow(const Fallback& fallback) {
    for (const FallbackStep& step : fallback.chain)
      if (const auto* to = std::get_if<UpstreamStep>(&step)) reach(to->upstream, true);
  }

  std::unordered_map<std::string_view, const Upstream*> by_name_;
  std::set<std::string> seen_;
  std::set<std::string> followed_;
  std::vector<const Upstream*> open_;
};

// Who may write the field goes first.
void warn_of_priority(const std::optional<Queue>& queue, const Path& limits, const TrapPlaces& places) {
  if (!queue || queue->priority_header.empty()) return;
  const Path at = limits + Path{"queue"};
  places.warn(at, "any client goes before all others in the queue by a number in " +
                      places.shown(at + Path{"priority_header"}, queue->priority_header) +
                      ": name the peers whose word counts in trust_forwarded of the listener, or set "
                      "priority_header: off");
}

void warn_of_priorities(const Config& config, bool listen, const TrapPlaces& places) {
  std::set<std::string_view> open;  // upstreams whose clients nobody has to vouch for
  std::set<std::string_view> guarded;
  for (std::size_t i = 0; i < config.listeners.size(); ++i) {
    const Listener& listener = config.listeners[i];
    const bool trusts = !listener.trust_forwarded.empty();
    for (std::size_t at = 0; at < listener.routes.size(); ++at) {
      const Route& route = listener.routes[at];
      (trusts ? guarded : open).insert(route.upstream);
      if (!trusts && !listen)
        warn_of_priority(route.limits.queue, {"listeners", std::to_string(i), "routes", std::to_string(at), "limits"},
                         places);
    }
  }
  for (const Upstream& upstream : config.upstreams)
    if (open.contains(upstream.name) && !guarded.contains(upstream.name))
      warn_of_priority(upstream.limits.queue, {"upstreams", upstream.name, "limits"}, places);
}

}  // namespace

void warn_of_routes(const Config& config, const TrapPlaces& places) {
  const bool several = config.upstreams.size() > 1;
  const bool listen = places.find({"listen"}) != nullptr;
  std::size_t position = 0;
  for (const Listener& listener : config.listeners) {
    const Path path = {"listeners", std::to_string(position++)};
    if (!listen && places.find(path + Path{"routes"}) != nullptr) {
      warn_of_unreachable(listener.routes, path, places);
      warn_of_methods(listener.routes, path, places);
    } else if (several) {
      warn_of_hosts(config, listen ? Path{"listen"} : path, places);
    }
  }
  warn_of_priorities(config, listen, places);
  const Reached reached(config);
  for (const Upstream& upstream : config.upstreams)
    if (!reached.contains(upstream.name))
      places.warn({"upstreams", upstream.name},
                  "nothing uses this upstream: no route leads to it, and no fallback of one that is used");
}

}  // namespace fusewire::config
