// SPDX-License-Identifier: Apache-2.0
#include "filters/balance/tier.hpp"

#include <numeric>

namespace fusewire::balance {

Tier::Tier(const std::vector<Candidate>& candidates, bool backups, Policy policy) {
  std::vector<std::uint32_t> weights;
  std::vector<std::uint64_t> ids;
  for (std::uint32_t i = 0; i < candidates.size(); ++i) {
    const Candidate& one = candidates[i];
    if (one.backup != backups || one.weight == 0) continue;
    members_.push_back(i);
    weights.push_back(one.weight);
    ids.push_back(one.id);
  }
  if (members_.empty()) return;
  by_mean_ = static_cast<float>(size() / std::accumulate(weights.begin(), weights.end(), 0.0));
  by_weight_ = AliasTable(weights);
  if (policy == Policy::round_robin) turns_ = TurnOrder(weights);
  if (policy == Policy::hash) by_key_ = Rendezvous(ids, weights);
}

}  // namespace fusewire::balance
