// SPDX-License-Identifier: Apache-2.0
// Which route a request takes: the first of the listener's list that matches (docs/reference.md, "Routes and paths").
// Immutable once built.
#pragma once

#include <cstddef>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "config/config.hpp"
#include "filters/message.hpp"

namespace fusewire::proxy {

class Router {
 public:
  Router() = default;
  // Keeps a pointer: the routes must outlive it. `unnamed`: hosts that are for no client to read.
  explicit Router(const std::vector<config::Route>&, const std::set<std::string>& unnamed = {});

  // The index of the route, or nothing. Does not allocate; its cost does not grow with the number of hosts or of
  // prefixes of equal length.
  std::optional<std::size_t> match(const Request&) const;
  // One sentence for a request that matches no route. It names the first few known hosts where the request asks for an
  // unknown one.
  std::string why_no_match(const Request&) const;

 private:
  struct Hash {
    using is_transparent = void;
    std::size_t operator()(std::string_view s) const noexcept { return std::hash<std::string_view>{}(s); }
  };
  using Candidates = std::vector<std::size_t>;  // route indices, ascending
  using ByText = std::unordered_map<std::string, Candidates, Hash, std::equal_to<>>;

  // The routes of one host (or of none), by their path.
  struct Paths {
    ByText exact;
    ByText prefix;
    std::vector<std::size_t> prefix_lengths;  // the distinct ones, ascending
    Candidates any;
  };

  void add(Paths&, std::size_t index);
  void find(const Paths&, const Request&, std::size_t& best) const;
  void consider(const Candidates&, const Request&, std::size_t& best) const;
  bool rest_matches(const config::Match&, const Request&) const;

  const Paths* paths_of(std::string_view authority) const;

  const std::vector<config::Route>* routes_ = nullptr;
  std::unordered_map<std::string, Paths, Hash, std::equal_to<>> hosts_;
  Paths any_host_;
  std::string known_hosts_;  // the end of that sentence
};

}  // namespace fusewire::proxy
