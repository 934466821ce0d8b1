// SPDX-License-Identifier: Apache-2.0
#include "proxy/webhooks/outbox.hpp"

#include <algorithm>
#include <utility>

namespace fusewire::proxy {

void Outbox::configure(milliseconds min_interval, milliseconds look, bool repeats) {
  min_interval_ = min_interval;
  look_ = look;
  repeats_ = repeats;
  if (min_interval_.count() == 0) release_all_held();
  if (look_.count() == 0) troubles_.clear();
}

void Outbox::offer(Notice notice, Time now) {
  const auto found = paces_.find(notice.logged.breaker);
  const bool free = hurry_ || min_interval_.count() == 0 || found == paces_.end() ||
                    (!found->second.held && now >= found->second.not_before);
  if (free) return push(std::move(notice), now);
  std::optional<Notice>& held = found->second.held;
  if (held) {
    notice.held_back = held->held_back + 1;
    ++held_back_;
  }
  held = std::move(notice);
}

void Outbox::push(Notice notice, Time now) {
  if (min_interval_.count() > 0 && !hurry_) paces_[notice.logged.breaker].not_before = now + min_interval_;
  if (ready_.size() >= kMaxReady) {
    const auto same = std::find_if(ready_.begin(), ready_.end(),
                                   [&](const Notice& other) { return other.logged.breaker == notice.logged.breaker; });
    ready_.erase(same != ready_.end() ? same : ready_.begin());
    ++dropped_;
  }
  ready_.push_back(std::move(notice));
}

void Outbox::release_held(Time now) {
  for (auto entry = paces_.begin(); entry != paces_.end();) {
    auto& [breaker, pace] = *entry;
    const bool over = hurry_ || now >= pace.not_before;
    if (over && pace.held) {
      push(*std::exchange(pace.held, std::nullopt), now);
      ++entry;
    } else {
      entry = over ? paces_.erase(entry) : std::next(entry);
    }
  }
}

// Where nothing is held back any more: an offer that comes now goes at once, behind these.
void Outbox::release_all_held() {
  for (auto& [breaker, pace] : std::exchange(paces_, {}))
    if (pace.held) push(std::move(*pace.held), Time::min());
}

bool Outbox::is_held(const std::string& breaker) const {
  const auto found = paces_.find(breaker);
  return found != paces_.end() && found->second.held;
}

std::optional<Notice> Outbox::take(Time now, const StandingOf& standing_of) {
  release_held(now);
  if (ready_.empty()) return look(now, standing_of);
  Notice next = std::move(ready_.front());
  ready_.pop_front();
  note_trouble(next, now);
  return next;
}

void Outbox::note_trouble(Notice& notice, Time now) {
  notice.since = notice.logged.at;
  if (look_.count() == 0) return;
  const auto known = troubles_.find(notice.logged.breaker);
  if (known != troubles_.end()) notice.since = known->second.notice.since;
  if (!is_trouble(notice)) {
    if (known != troubles_.end()) troubles_.erase(known);
    return;
  }
  Trouble& trouble = troubles_[notice.logged.breaker];
  trouble = {notice, now + look_};
  trouble.notice.held_back = 0;
}

std::optional<Notice> Outbox::look(Time now, const StandingOf& standing_of) {
  if (hurry_) return std::nullopt;
  for (auto entry = troubles_.begin(); entry != troubles_.end(); ++entry) {
    auto& [breaker, trouble] = *entry;
    if (now < trouble.next) continue;
    trouble.next = now + look_;
    if (!is_held(breaker)) {  // else that will say how it is
      const Standing standing = standing_of(breaker);
      if (standing != Standing::in_trouble) return end_of(troubles_.extract(entry).mapped().notice, standing);
    }
    if (repeats_) return trouble.notice;
  }
  return std::nullopt;
}

std::optional<Outbox::Time> Outbox::next_at() const {
  if (!ready_.empty()) return Time::min();
  std::optional<Time> next;
  const auto consider = [&next](Time at) { next = next ? std::min(*next, at) : at; };
  for (const auto& [breaker, pace] : paces_)
    if (pace.held) consider(pace.not_before);
  if (!hurry_)
    for (const auto& [breaker, trouble] : troubles_) consider(trouble.next);
  return next;
}

void Outbox::hurry() {
  hurry_ = true;
  release_all_held();
}

std::size_t Outbox::waiting() const {
  const auto held = std::count_if(paces_.begin(), paces_.end(), [](const auto& entry) { return entry.second.held; });
  return ready_.size() + static_cast<std::size_t>(held);
}

}  // namespace fusewire::proxy
