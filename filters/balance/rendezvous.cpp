// SPDX-License-Identifier: Apache-2.0
#include "filters/balance/rendezvous.hpp"

#include <algorithm>
#include <cmath>
#include <limits>

namespace fusewire::balance {

Rendezvous::Rendezvous(const std::vector<std::uint64_t>& ids, const std::vector<std::uint32_t>& weights) {
  ids_.reserve(ids.size());
  for (const std::uint64_t id : ids) ids_.push_back(mix64(id));
  if (std::adjacent_find(weights.begin(), weights.end(), std::not_equal_to<>()) != weights.end())
    weights_.assign(weights.begin(), weights.end());
  if (ids.size() > kDrawn && ids.size() < std::numeric_limits<std::uint16_t>::max())
    owners_.resize(std::size_t{1} << kBucketBits);
}

std::uint32_t Rendezvous::owner(std::uint64_t key) {
  const std::uint64_t bucket = bucket_of(key);
  if (owners_.empty()) return draw(bucket);
  std::uint16_t& known = owners_[bucket];
  if (known == 0) known = static_cast<std::uint16_t>(draw(bucket) + 1);
  return known - 1U;
}

std::uint32_t Rendezvous::draw(std::uint64_t bucket) const {
  Best best;
  for (std::uint32_t member = 0; member < ids_.size(); ++member) consider(best, bucket, member);
  return best.member;
}

// With weights, the lot is a waiting time that is exponentially distributed with the weight as its rate: the chance to
// be first is in proportion to it. Without, comparing the lots themselves gives the same member.
void Rendezvous::consider(Best& best, std::uint64_t bucket, std::uint32_t member) const {
  constexpr std::uint64_t kFactor = 0x9e3779b97f4a7c15U;
  const std::uint64_t lot = mix64(ids_[member] ^ ((bucket + 1) * kFactor));
  if (weights_.empty()) {
    if (best.member == kNone || lot > best.lot) best = {member, lot, 0};
    return;
  }
  const double share = (static_cast<double>(lot >> 11) + 1) * 0x1p-53;  // above 0, up to 1
  const double wait = -std::log(share) / weights_[member];
  if (best.member == kNone || wait < best.wait) best = {member, lot, wait};
}

}  // namespace fusewire::balance
