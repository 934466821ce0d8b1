// SPDX-License-Identifier: Apache-2.0
// Which member a key belongs to: rendezvous hashing (Thaler, Ravishankar 1998) with weights, over 65,536 buckets.
#pragma once

#include <cstdint>
#include <vector>

#include "filters/balance/random.hpp"

namespace fusewire::balance {

// A bucket belongs to the member that draws the best lot for it. So a member that goes gives up its own buckets and no
// others, and they go to all others in proportion to their weights; one that comes takes its share from all. It depends
// on the members' identities and weights alone: every worker, process and replica agrees.
//
// Up to kDrawn members draw their lots each time (2 ns each); with more, a bucket's owner is remembered when it is
// first asked for, which makes it O(1). One thread.
class Rendezvous {
 public:
  Rendezvous() = default;
  // Weights of at least 1; at least one member.
  Rendezvous(const std::vector<std::uint64_t>& ids, const std::vector<std::uint32_t>& weights);

  std::uint32_t owner(std::uint64_t key);

  // The best of those that are eligible; kNone: none is. O(members).
  template <class Eligible>
  std::uint32_t best(std::uint64_t key, Eligible&& eligible) const {
    const std::uint64_t bucket = bucket_of(key);
    Best best;
    for (std::uint32_t member = 0; member < ids_.size(); ++member)
      if (eligible(member)) consider(best, bucket, member);
    return best.member;
  }

  static constexpr std::uint32_t kNone = ~std::uint32_t{0};
  static constexpr unsigned kBucketBits = 16;
  static constexpr std::size_t kDrawn = 8;

 private:
  struct Best {
    std::uint32_t member = kNone;
    std::uint64_t lot = 0;  // all weigh the same: the highest wins
    double wait = 0;        // else: the shortest
  };

  static std::uint64_t bucket_of(std::uint64_t key) { return mix64(key) >> (64 - kBucketBits); }
  void consider(Best&, std::uint64_t bucket, std::uint32_t member) const;
  std::uint32_t draw(std::uint64_t bucket) const;

  std::vector<std::uint64_t> ids_;     // mixed
  std::vector<double> weights_;        // empty: all weigh the same
  std::vector<std::uint16_t> owners_;  // by bucket; 0: nobody asked yet, else member + 1. Empty: all are drawn
};

}  // namespace fusewire::balance
