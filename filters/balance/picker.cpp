// SPDX-License-Identifier: Apache-2.0
#include "filters/balance/picker.hpp"

#include <utility>

namespace fusewire::balance {

void Picker::set_candidates(std::vector<Candidate> candidates) {
  candidates_ = std::move(candidates);
  tiers_ = {Tier(candidates_, false, policy_), Tier(candidates_, true, policy_)};
}

}  // namespace fusewire::balance
