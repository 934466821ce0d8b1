// SPDX-License-Identifier: Apache-2.0
// Chooses one of an upstream's addresses by its load balancing policy. A worker has one for each upstream. One thread;
// what it reads of the addresses' health is shared.
#pragma once

#include <array>
#include <optional>
#include <vector>

#include "filters/balance/choice.hpp"
#include "filters/balance/tier.hpp"

namespace fusewire::balance {

// set_candidates() whenever the list changes: O(list). pick() for each attempt: O(1) where most candidates are
// eligible, else kMoreDraws more random ones and then one look at each; allocates nothing. Backups are asked where no
// primary is eligible. The Candidates' EndpointHealth outlives the list.
//
// Picking counts nothing: the caller begins a Flight at the address that it uses.
class Picker {
 public:
  // slow_start: 0 = off; `hash` has none. Workers begin their turns at different places (`first_turn`).
  explicit Picker(Policy policy, nanoseconds slow_start = nanoseconds(0), std::uint32_t first_turn = 0)
      : policy_(policy), slow_start_(slow_start), turns_{first_turn, first_turn} {}

  void set_candidates(std::vector<Candidate>);
  const std::vector<Candidate>& candidates() const noexcept { return candidates_; }

  // `eligible` says whether the candidate of that index may be used (it is asked only about those that come into
  // question; its answer must not change during the call). `key`: for hash. Nothing: no candidate is eligible.
  template <class Eligible>
  std::optional<std::uint32_t> pick(Eligible&& eligible, Time now, Random& random, std::uint64_t key = 0) {
    for (std::size_t n = 0; n < tiers_.size(); ++n) {
      if (tiers_[n].size() == 0) continue;
      Choice choice(candidates_, tiers_[n], eligible, now, slow_start_, random);
      const std::uint32_t found = by_policy(choice, turns_[n], key);
      if (found != Tier::kNone) return found;
    }
    return std::nullopt;
  }

  // What the better ones are like, as this worker has seen it. For HealthView::score.
  const Typical& typical() const noexcept { return typical_; }

 private:
  template <class Eligible>
  std::uint32_t by_policy(Choice<Eligible>& choice, std::uint32_t& turn, std::uint64_t key) {
    switch (policy_) {
      case Policy::least_request:
        return choice.least_loaded();
      case Policy::random:
        return choice.draw();
      case Policy::round_robin:
        return choice.next(turn);
      case Policy::hash:
        return choice.by_key(key);
      case Policy::health_score:
        break;
    }
    return choice.best_score(typical_);
  }

  const Policy policy_;
  const nanoseconds slow_start_;
  std::vector<Candidate> candidates_;
  std::array<Tier, 2> tiers_;           // primaries, backups
  std::array<std::uint32_t, 2> turns_;  // of each
  LearnedTypical typical_;
};

}  // namespace fusewire::balance
