// SPDX-License-Identifier: Apache-2.0
#include "config/fallback_graph.hpp"

#include <string_view>
#include <unordered_map>

namespace fusewire::config {

std::vector<FallbackEdge> fallback_edges(const Node* fallback) {
  std::vector<FallbackEdge> edges;
  const Node* chain = fallback != nullptr ? fallback->find("chain") : nullptr;
  if (chain == nullptr) return edges;
  for (const Node& step : chain->children) {
    const Node* upstream = step.find("upstream");
    if (upstream != nullptr && upstream->kind == Node::Kind::scalar) edges.push_back({upstream->text, upstream});
  }
  return edges;
}

// Breadth first.
std::optional<std::vector<std::string>> FallbackGraph::way(const std::string& from, const std::string& to) const {
  std::unordered_map<std::string_view, std::string_view> came_from = {{from, {}}};
  std::vector<std::string_view> open = {from};
  for (std::size_t i = 0; i < open.size() && !came_from.contains(to); ++i) {
    if (i == kMaxFallbacks) return std::nullopt;
    const auto edges = edges_.find(open[i]);
    if (edges == edges_.end()) continue;
    for (const FallbackEdge& edge : edges->second)
      if (came_from.emplace(edge.to, open[i]).second) open.push_back(edge.to);
  }
  std::vector<std::string> way;
  if (!came_from.contains(to)) return way;
  for (std::string_view at = to; at != from; at = came_from.at(at)) way.emplace_back(at);
  way.push_back(from);
  return std::vector<std::string>(way.rbegin(), way.rend());
}

}  // namespace fusewire::config
