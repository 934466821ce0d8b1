// SPDX-License-Identifier: Apache-2.0
// The primaries, or the backups, of a list of candidates, with what a policy needs to choose one of them in O(1).
// A member is known by its position in the whole list. One thread.
#pragma once

#include <cstdint>
#include <vector>

#include "config/load_balancing.hpp"
#include "filters/balance/alias_table.hpp"
#include "filters/balance/rendezvous.hpp"
#include "filters/balance/turn_order.hpp"

namespace fusewire::balance {

class EndpointHealth;

struct Candidate {
  EndpointHealth* health = nullptr;
  std::uint64_t id = 0;      // of its address (hash_of): `hash` places it by this
  std::uint32_t weight = 1;  // 0 = never picked
  bool backup = false;       // only where no primary is eligible
};

using Policy = config::BalancingPolicy;

class Tier {
 public:
  static constexpr std::uint32_t kNone = ~std::uint32_t{0};

  Tier() = default;
  Tier(const std::vector<Candidate>&, bool backups, Policy);

  std::uint32_t size() const noexcept { return static_cast<std::uint32_t>(members_.size()); }
  const std::vector<std::uint32_t>& members() const noexcept { return members_; }

  // In proportion to the weights, or each with the same chance.
  std::uint32_t draw(Random& random) const noexcept { return members_[by_weight_.draw(random)]; }
  std::uint32_t draw_any(Random& random) const noexcept { return members_[random.below(size())]; }
  // round_robin: whose turn it is; `turn` is counted on.
  std::uint32_t next(std::uint32_t& turn) const noexcept {
    if (++turn >= turns_.turns()) turn = 0;
    return members_[turns_.at(turn)];
  }
  std::uint32_t turns() const noexcept { return turns_.turns(); }
  // hash
  std::uint32_t owner(std::uint64_t key) { return members_[by_key_.owner(key)]; }
  template <class Eligible>
  std::uint32_t best_by_key(std::uint64_t key, Eligible& eligible) const {
    const std::uint32_t best = by_key_.best(key, [&](std::uint32_t member) { return eligible(members_[member]); });
    return best == Rendezvous::kNone ? kNone : members_[best];
  }
  // Divides a weight by the mean one.
  float share(std::uint32_t weight) const noexcept { return static_cast<float>(weight) * by_mean_; }

 private:
  std::vector<std::uint32_t> members_;
  float by_mean_ = 1;
  AliasTable by_weight_;
  TurnOrder turns_;    // round_robin alone
  Rendezvous by_key_;  // hash alone
};

}  // namespace fusewire::balance
