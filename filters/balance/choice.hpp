// SPDX-License-Identifier: Apache-2.0
// One choice among the primaries, or the backups, of a list: how each policy makes it. Lives as long as Picker::pick.
#pragma once

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdint>
#include <utility>
#include <vector>

#include "filters/balance/endpoint_health.hpp"
#include "filters/balance/tier.hpp"

namespace fusewire::balance {

// What the better ones of an upstream's addresses are like, as a worker learns it. It follows the lower of two, down
// sooner than up, so that it stays with the good ones where half of all are bad.
struct LearnedTypical : Typical {
  void observe(const HealthView& a, const HealthView& b) noexcept {
    const LogLatency lower =
        a.latency == 0 || b.latency == 0 ? std::max(a.latency, b.latency) : std::min(a.latency, b.latency);
    if (latency == 0)
      latency = lower;
    else if (lower > 0)
      follow(latency, lower);
    constexpr float kLong = 1e9F;  // ns; more would take long to be forgotten
    follow(unfinished, static_cast<float>(std::min(a.unfinished, b.unfinished)));
    follow(unfinished_for, std::min({a.unfinished_for, b.unfinished_for, kLong}));
  }

 private:
  static void follow(float& value, float observed) noexcept {
    constexpr float kDown = 1.0F / 64;  // of the way, by one choice
    constexpr float kUp = 1.0F / 256;
    value += (observed - value) * (observed < value ? kDown : kUp);
  }
};

template <class Eligible>
class Choice {
 public:
  Choice(const std::vector<Candidate>& candidates, Tier& tier, Eligible& eligible, Time now, nanoseconds slow_start,
         Random& random)
      : candidates_(candidates),
        tier_(tier),
        eligible_(eligible),
        now_(now),
        slow_start_(slow_start),
        random_(random) {}

  // One by weight, other than `except`; kNone: there is no other.
  std::uint32_t draw(std::uint32_t except = kNone) {
    if (except != kNone && tier_.size() == 1) return kNone;
    const std::uint32_t drawn = draw_some(except);
    return drawn != kNone ? drawn : look_at_all(except);
  }

  // The next one in turn. One that is passed over has had its turn: the one behind it gets no more than its own.
  std::uint32_t next(std::uint32_t& turn) {
    for (unsigned n = 0; n < std::min(kDraws, tier_.turns()); ++n)
      if (const std::uint32_t one = tier_.next(turn); admits(one)) return one;
    return look_at_all(kNone);
  }

  // The key's owner; where it is not eligible another one by a second hash, so that its keys go to all others.
  std::uint32_t by_key(std::uint64_t key) {
    std::uint64_t rehashed = key;
    for (unsigned n = 0; n < kHashes; ++n) {
      if (const std::uint32_t owner = tier_.owner(rehashed); eligible_(owner)) return owner;
      rehashed = mix64(rehashed + kRehash);
    }
    return tier_.best_by_key(key, eligible_);
  }

  // The first of two, unless the other one has fewer requests for its weight.
  std::uint32_t least_loaded() {
    const std::uint32_t first = draw();
    const std::uint32_t other = first == kNone ? kNone : draw(first);
    if (other == kNone) return first;
    return load(other).of_other(load(first)) < load(first).of_first() ? other : first;
  }

  // The first of two, unless the other one is clearly better; others, too, while the best one so far is bad.
  std::uint32_t best_score(LearnedTypical& typical) {
    const std::uint32_t first = draw();
    const std::uint32_t other = first == kNone ? kNone : draw(first);
    if (other == kNone) return first;
    const HealthView of_first = view(first);
    const HealthView of_other = view(other);
    typical.observe(of_first, of_other);
    Scored best = scored(first, of_first, typical);
    best.improve(scored(other, of_other, typical));
    if (best.badness > kBad) look_further(best, typical);
    return best.candidate;
  }

 private:
  static constexpr std::uint32_t kNone = Tier::kNone;
  static constexpr std::uint32_t kDraws = 6;
  static constexpr unsigned kHashes = 4;
  static constexpr unsigned kMoreDraws = 8;
  static constexpr float kBad = 0.3F;  // doublings
  static constexpr float kVeryBad = 2.0F;
  static constexpr float kMuchWorse = 3.0F;
  static constexpr float kClearly = 1.2F;  // so much lower has a score to be
  static constexpr std::uint64_t kRehash = 0x9e3779b97f4a7c15U;

  // How loaded two of a pair are, of which the first was drawn by its weight: requests for the weight, the new one
  // included. A first one that is idle is as good as any: else the heavy ones had all requests of a quiet time.
  struct Load {
    float requests;
    float share;  // weight divided by the mean weight
    float per_weight() const { return requests / share; }
    float with_one_more() const { return per_weight() + (1 + 1 / share) / 2; }
    float of_first() const { return requests == 0 ? 1 : with_one_more(); }
    float of_other(const Load& first) const { return first.requests == 0 ? per_weight() + 1 : with_one_more(); }
  };

  struct Scored {
    std::uint32_t candidate;
    float badness;
    float expected;
    Load load;
    // Load decides between those that are alike. Where one is much worse it counts half, in doublings: what the other
    // one's load costs is in its latency, and a moment of it would be enough to send requests to one that hangs.
    void improve(const Scored& other) {
      float load_of_other = other.load.of_other(load);
      float own_load = load.of_first();
      if (std::abs(badness - other.badness) > kMuchWorse) {
        load_of_other = std::sqrt(load_of_other);
        own_load = std::sqrt(own_load);
      }
      if (other.expected * load_of_other * kClearly < expected * own_load) *this = other;
    }
  };

  void look_further(Scored& best, const Typical& typical) {
    for (unsigned n = 0; n < kMoreDraws && best.badness > kBad; ++n)
      if (const std::uint32_t more = draw_some(best.candidate); more != kNone)
        best.improve(scored(more, view(more), typical));
    if (best.badness > kVeryBad && tier_.size() <= kMoreDraws) look_at_each(best, typical);
  }

  // Chance would now and then miss the only good one.
  void look_at_each(Scored& best, const Typical& typical) {
    std::array<std::uint32_t, kMoreDraws> others;  // in a random order: of equals the first one found is kept
    const auto end = std::copy(tier_.members().begin(), tier_.members().end(), others.begin());
    for (auto at = others.begin(); at != end; ++at) {
      std::swap(*at, at[random_.below(static_cast<std::uint32_t>(end - at))]);
      if (*at != best.candidate && admits(*at)) best.improve(scored(*at, view(*at), typical));
    }
  }

  bool admits(std::uint32_t candidate) {
    if (!eligible_(candidate)) return false;
    if (slow_start_.count() == 0) return true;
    const float ramp = candidates_[candidate].health->ramp(now_, slow_start_);
    return ramp >= 1 || static_cast<float>(random_.below(1U << 16)) < ramp * (1U << 16);
  }

  // kNone: none of kDraws was eligible. Where one outweighs all others, each draw by weight may be the one to except.
  std::uint32_t draw_some(std::uint32_t except) {
    for (unsigned n = 0; n < kDraws; ++n) {
      const std::uint32_t drawn = n < kDraws / 2 || except == kNone ? tier_.draw(random_) : tier_.draw_any(random_);
      if (drawn != except && admits(drawn)) return drawn;
    }
    return kNone;
  }

  // One of all that are eligible, by weight, in one pass: each takes the place with its share of the weights so far.
  std::uint32_t look_at_all(std::uint32_t except) {
    std::uint32_t found = kNone;
    double total = 0;
    for (const std::uint32_t one : tier_.members()) {
      if (one == except || !eligible_(one)) continue;
      const double weight = ramp(one) * static_cast<double>(candidates_[one].weight);
      total += weight;
      if (random_.below(1U << 31) * 0x1p-31 * total < weight) found = one;
    }
    return found;
  }

  float ramp(std::uint32_t one) const {
    return slow_start_.count() == 0 ? 1 : candidates_[one].health->ramp(now_, slow_start_);
  }
  float share(std::uint32_t one) const { return tier_.share(candidates_[one].weight); }
  Load load(std::uint32_t one) const { return {static_cast<float>(candidates_[one].health->in_flight()), share(one)}; }
  HealthView view(std::uint32_t one) const { return candidates_[one].health->view(now_); }
  Scored scored(std::uint32_t one, const HealthView& view, const Typical& typical) const {
    const float badness = view.badness(typical);
    return {one, badness, view.expected(badness, typical.latency), {static_cast<float>(view.in_flight), share(one)}};
  }

  const std::vector<Candidate>& candidates_;
  Tier& tier_;
  Eligible& eligible_;
  const Time now_;
  const nanoseconds slow_start_;
  Random& random_;
};

}  // namespace fusewire::balance
