// SPDX-License-Identifier: Apache-2.0
#include "filters/balance/dial_pacer.hpp"

#include <algorithm>

namespace fusewire::balance {
namespace {

constexpr std::uint32_t kFew = 2;
constexpr int kUsualTimes = 4;  // so many times the usual time is still no sign of a fault
constexpr milliseconds kLeastPatience{2};
constexpr int kPauseGrows = 8;

}  // namespace

Time::duration DialPacer::patience() const {
  return std::max<Time::duration>(usual_.value_or(Time::duration::zero()) * kUsualTimes, kLeastPatience);
}

bool DialPacer::is_silent(Time now) const { return usual_ && unanswered_ >= kFew && now >= silent_since_ + patience(); }

DialPacer::Dial DialPacer::count(Time now) {
  if (unanswered_++ == 0) {
    silent_since_ = next_trial_ = now;
    pause_ = Time::duration::zero();
  }
  return {.begun = now, .answers = answers_};
}

std::optional<DialPacer::Dial> DialPacer::begin(Time now) {
  const std::lock_guard lock(mutex_);
  if (is_silent(now)) return std::nullopt;
  return count(now);
}

std::optional<DialPacer::Dial> DialPacer::begin_trial(Time now, milliseconds longest_pause) {
  const std::lock_guard lock(mutex_);
  if (now < next_trial_) return std::nullopt;
  pause_ = pause_ == Time::duration::zero() ? patience() : kPauseGrows * pause_;
  pause_ = std::max<Time::duration>(kLeastPatience, std::min<Time::duration>(pause_, longest_pause));
  next_trial_ = now + pause_;
  return count(now);
}

void DialPacer::connected(const Dial& dial, Time now) {
  const std::lock_guard lock(mutex_);
  Time::duration took = now - dial.begun;
  if (usual_) took = std::min(took, 2 * patience());  // one whose SYN was lost is no measure
  usual_ = usual_ ? *usual_ + (took - *usual_) / 8 : took;
  answered();
}

void DialPacer::refused() {
  const std::lock_guard lock(mutex_);
  answered();
}

void DialPacer::unanswered(const Dial& dial, Time now) {
  const std::lock_guard lock(mutex_);
  if (dial.answers == answers_ && now - dial.begun < patience()) --unanswered_;
}

void DialPacer::answered() {
  ++answers_;
  unanswered_ = 0;
}

}  // namespace fusewire::balance
