// SPDX-License-Identifier: Apache-2.0
// Which upstream's fallback leads to which.
#pragma once

#include <cstddef>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "config/node.hpp"

namespace fusewire::config {

inline constexpr std::size_t kMaxFallbacks = 100;

struct FallbackEdge {
  std::string to;
  const Node* at = nullptr;  // the step's `upstream`
};

// The steps of a chain (the map `fallback`, or null) that lead to another upstream.
std::vector<FallbackEdge> fallback_edges(const Node* fallback);

class FallbackGraph {
 public:
  void add(const std::string& upstream, std::vector<FallbackEdge> edges) { edges_[upstream] = std::move(edges); }

  // The upstreams on the shortest way, both ends included; empty when there is none. nullopt when more than
  // kMaxFallbacks upstreams would have to be looked at.
  std::optional<std::vector<std::string>> way(const std::string& from, const std::string& to) const;

 private:
  std::map<std::string, std::vector<FallbackEdge>, std::less<>> edges_;
};

}  // namespace fusewire::config
