// SPDX-License-Identifier: Apache-2.0
#include "config/from_variables.hpp"

#include <algorithm>
#include <charconv>
#include <utility>

#include "config/merge.hpp"
#include "config/node_makers.hpp"
#include "config/scalars.hpp"

namespace fusewire::config {
namespace {

using Path = std::vector<std::string>;

class Collector {
 public:
  explicit Collector(const Node& root) : root_(root) {}

  std::vector<FromVariable> run() {
    for (const Node& child : root_.children) {
      if (child.key == "defaults") continue;
      if (child.key == "listen")
        walk(child, {"listeners", "0", "address"});
      else
        walk(child, {child.key});
    }
    add_merged();
    return std::move(found_);
  }

 private:
  void walk(const Node& node, Path path) {
    const bool field = path.size() > 1 && path[path.size() - 2] == "headers";
    if (node.kind == Node::Kind::scalar && !node.from.empty())
      found_.push_back({path, node.from, field && node.key_from_variable});
    std::size_t index = 0;
    path.emplace_back();
    for (const Node& child : node.children) {
      path.back() = node.kind == Node::Kind::list ? std::to_string(index++) : child.key;
      walk(child, path);
    }
  }

  // What a route has of its upstream, where it changes a part of a section.
  void add_merged() {
    const Node* listeners = root_.find("listeners");
    if (listeners == nullptr) return;
    for (std::size_t i = 0; i < listeners->children.size(); ++i) {
      const Node* routes = listeners->children[i].find("routes");
      if (routes == nullptr) continue;
      for (std::size_t j = 0; j < routes->children.size(); ++j)
        for (const char* section : {"timeouts", "retries", "fallback", "circuit_breaker"})
          add_merged(routes->children[j], section,
                     {"listeners", std::to_string(i), "routes", std::to_string(j), section});
    }
  }

  void add_merged(const Node& route, const char* section, const Path& path) {
    const Node* own = route.find(section);
    const Node* name = route.find("upstream");
    const Node* upstreams = root_.find("upstreams");
    const Node* upstream = name != nullptr && upstreams != nullptr ? upstreams->find(name->text) : nullptr;
    const Node* under = upstream != nullptr ? upstream->find(section) : nullptr;
    if (own == nullptr || under == nullptr) return;
    Node merged = *own;
    merge_under(merged, *under);
    walk(merged, path);
  }

  const Node& root_;
  std::vector<FromVariable> found_;
};

// Field names of a match are printed in lower case.
Node* child_of(Node& node, const std::string& name) {
  if (node.kind == Node::Kind::map) {
    Node* exact = node.find(name);
    return exact != nullptr ? exact : node.find(to_lower(name));
  }
  std::size_t index = 0;
  const auto [end, error] = std::from_chars(name.data(), name.data() + name.size(), index);
  return error == std::errc{} && index < node.children.size() ? &node.children[index] : nullptr;
}

// Conditions are printed in an order of their own: their positions in the file say nothing here.
bool is_conditions(const Node& node) {
  return node.kind == Node::Kind::list && (node.key == "failure" || node.key == "ignore" || node.key == "on");
}

void name_condition(Node& list, const std::string& shown) {
  const auto marker = [](const Node& item) { return item.text.starts_with("<from "); };
  std::erase_if(list.children, [&](const Node& item) { return !marker(item) || item.text == shown; });
  list.children.push_back(text_node(shown));
}

// A field whose name came from the variable as well; several of one variable are shown once.
void name_field(Node& fields, const std::string& key, const std::string& shown) {
  std::erase_if(fields.children, [&](const Node& field) { return field.key == key || field.key == shown; });
  put(fields, shown, text_node(shown));
}

std::string marker(const FromVariable& value) { return "<from " + value.names + ">"; }

// A short form stands above its place: endpoints.0 for endpoints.0.url.
const FromVariable* find(const Config& config, const Path& path) {
  const auto covers = [&](const FromVariable& value) {
    return value.path.size() <= path.size() && std::equal(value.path.begin(), value.path.end(), path.begin());
  };
  const auto found = std::find_if(config.from_variables.begin(), config.from_variables.end(), covers);
  return found == config.from_variables.end() ? nullptr : &*found;
}

void name_variable(Node& tree, const FromVariable& value) {
  const std::string shown = marker(value);
  Node* node = &tree;
  for (const std::string& key : value.path) {
    if (is_conditions(*node)) return name_condition(*node, shown);
    if (node->kind == Node::Kind::scalar) break;  // a short form: endpoints.0 for endpoints.0.url
    Node* next = child_of(*node, key);
    if (next == nullptr && key == "token") return put(*node, key, text_node(shown));
    if (next == nullptr) return;
    if (value.key_too && next->kind == Node::Kind::scalar) return name_field(*node, next->key, shown);
    node = next;
  }
  if (node->kind != Node::Kind::scalar) return;
  node->text = shown;
  node->quoted = true;
}

}  // namespace

std::vector<FromVariable> values_from_variables(const Node& root) { return Collector(root).run(); }

void name_variables(Node& tree, const std::vector<FromVariable>& values) {
  for (const FromVariable& value : values) name_variable(tree, value);
}

bool is_from_variable(const Config& config, const std::vector<std::string>& path) {
  return find(config, path) != nullptr;
}

std::string shown(const Config& config, const std::vector<std::string>& path, std::string text) {
  const FromVariable* const value = find(config, path);
  return value != nullptr ? marker(*value) : std::move(text);
}

std::set<std::string> hosts_from_variables(const Config& config, std::size_t listener) {
  std::set<std::string> hosts;
  if (config.from_variables.empty()) return hosts;
  const auto& routes = config.listeners[listener].routes;
  for (std::size_t i = 0; i < routes.size(); ++i) {
    const Path path = {"listeners", std::to_string(listener), "routes", std::to_string(i), "match", "host"};
    if (is_from_variable(config, path)) hosts.insert(routes[i].match.host);
  }
  return hosts;
}

}  // namespace fusewire::config
