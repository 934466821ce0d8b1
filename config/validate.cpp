// SPDX-License-Identifier: Apache-2.0
#include "config/validate.hpp"

#include <map>
#include <set>

#include "config/addresses.hpp"
#include "config/fallback_graph.hpp"
#include "config/messages.hpp"
#include "config/report.hpp"

namespace fusewire::config {
namespace {

const std::vector<Node>& children_of(const Node& map, std::string_view key) {
  static const std::vector<Node> kNone;
  const Node* node = map.find(key);
  return node != nullptr ? node->children : kNone;
}

const Node* scalar_in(const Node& map, std::string_view key) {
  const Node* node = map.find(key);
  return node != nullptr && node->kind == Node::Kind::scalar ? node : nullptr;
}

class Validation {
 public:
  Validation(const Node& root, Report& report) : root_(root), report_(report) {}

  void run() {
    for (const Node& upstream : children_of(root_, "upstreams")) {
      if (!upstream.key_from_variable) names_.push_back(upstream.key);
      known_.insert(upstream.key);
      graph_.add(upstream.key, fallback_edges(upstream.find("fallback")));
    }
    for (const Node& upstream : children_of(root_, "upstreams"))
      check_fallback(upstream.find("fallback"), upstream.key);
    for (const Node& listener : children_of(root_, "listeners")) check_listener(listener);
    if (const Node* listen = scalar_in(root_, "listen")) take_address(*listen);
    check_admin();
  }

 private:
  void check_upstream(const Node& at) {
    if (!known_.contains(at.text))
      report_.error(at, "no upstream is named " + describe(at) + suggestion(at.text, names_));
  }

  // Reports each step from which requests to `upstream` would come back to it.
  void check_fallback(const Node* fallback, const std::string& upstream) {
    for (const FallbackEdge& edge : fallback_edges(fallback)) {
      check_upstream(*edge.at);
      const auto way = graph_.way(edge.to, upstream);
      if (!way) {
        report_.error(*edge.at, "leads through more than " + std::to_string(kMaxFallbacks) + " upstreams");
        continue;
      }
      std::string circle = upstream;
      for (const std::string& name : *way) circle += " -> " + name;
      if (way->empty()) continue;
      const bool named = edge.at->from.empty();
      report_.error(*edge.at,
                    named ? "a cycle of fallbacks: " + circle : "a cycle of fallbacks, by " + describe(*edge.at));
    }
  }

  void check_listener(const Node& listener) {
    if (listener.kind == Node::Kind::invalid) return;
    check_listener_name(listener);
    if (const Node* address = scalar_in(listener, "address")) take_address(*address);
    for (const Node& route : children_of(listener, "routes")) {
      const Node* upstream = scalar_in(route, "upstream");
      if (upstream == nullptr) continue;
      check_upstream(*upstream);
      check_fallback(route.find("fallback"), upstream->text);
    }
  }

  void check_listener_name(const Node& listener) {
    if (listener.find("name") != nullptr && scalar_in(listener, "name") == nullptr) return;
    const Node* node = scalar_in(listener, "name");
    const std::string name = node != nullptr ? node->text : Listener{}.name;
    if (listener_names_.insert(name).second) return;
    const std::string message = "another listener is named " + (node != nullptr ? describe(*node) : quote(name));
    if (node != nullptr)
      report_.error(*node, message);
    else
      report_.error(listener.key_mark, listener.path, message + "; give this one a name");
  }

  void check_admin() {
    const Node* admin = root_.find("admin");
    const Node* address = admin != nullptr ? scalar_in(*admin, "address") : nullptr;
    if (address != nullptr) {
      take_address(*address);
    } else if (admin == nullptr || admin->find("address") == nullptr) {
      Node implied;
      implied.text = format_address(Admin{}.address);
      implied.mark = admin != nullptr ? admin->key_mark : root_.mark;
      implied.path = "admin.address";
      take_address(implied);
    }
    const Node* probes = admin != nullptr ? scalar_in(*admin, "probes") : nullptr;
    if (probes != nullptr && !probes->is_off()) take_address(*probes);
  }

  // Port 0 is a new port each time.
  void take_address(const Node& node) {
    const Parsed<Address> parsed = parse_address(node.text);
    if (!parsed.value) return;
    if (parsed.value->kind == Address::Kind::tcp && parsed.value->port == 0) return;
    const std::string text = format_address(*parsed.value);
    const auto [first, added] = addresses_.emplace(text, node.path);
    if (!added) report_.error(node, shown(&node, quote(text)) + " is taken by " + first->second + " already");
  }

  const Node& root_;
  Report& report_;
  std::vector<std::string_view> names_;
  std::set<std::string_view> known_;
  FallbackGraph graph_;
  std::set<std::string> listener_names_;
  std::map<std::string, std::string> addresses_;
};

}  // namespace

void validate(const Node& root, Report& report) { Validation(root, report).run(); }

}  // namespace fusewire::config
