// SPDX-License-Identifier: Apache-2.0
#include "proxy/snapshot/listener_gate.hpp"

namespace fusewire::proxy {

void WaitingList::append(Member& member, Time since) {
  member.list_ = this;
  member.since_ = since;
  member.next_ = nullptr;
  member.previous_ = last_;
  (last_ != nullptr ? last_->next_ : first_) = &member;
  last_ = &member;
  if (first_ == &member) publish();
}

void WaitingList::Member::leave() {
  if (list_ == nullptr) return;
  WaitingList& list = *std::exchange(list_, nullptr);
  const bool was_first = list.first_ == this;
  (previous_ != nullptr ? previous_->next_ : list.first_) = next_;
  (next_ != nullptr ? next_->previous_ : list.last_) = previous_;
  if (was_first) list.publish();
}

void WaitingList::publish() {
  const Time since = first_ != nullptr ? first_->since_ : kNever;
  oldest_.store(since.time_since_epoch().count(), std::memory_order_relaxed);
}

WaitingList* WaitingClients::longest(Time now) {
  const Time quiet = idle.oldest();
  const Time slow = unfinished.oldest();
  if (slow != kNever && slow + kPatience <= now && slow < quiet) return &unfinished;
  return quiet != kNever ? &idle : nullptr;
}

bool WaitingClients::part_with_one(Time now) {
  constexpr int kMaxTries = 8;  // some may have gone on just now
  const WaitingList* const list = longest(now);
  WaitingList::Member* member = list != nullptr ? list->first() : nullptr;
  for (int n = 0; member != nullptr && n < kMaxTries; ++n) {
    WaitingList::Member* const next = member->next();
    if (member->give_way()) return true;
    member = next;
  }
  return false;
}

std::optional<ListenerGate::Longest> ListenerGate::longest_waiting(Time now) {
  std::optional<Longest> found;
  for (std::size_t worker = 0; worker < waiting.size(); ++worker) {
    const WaitingList* const list = waiting.of(worker).longest(now);
    if (list == nullptr) continue;
    const Time since = list->oldest();
    if (!found || since < found->since) found = Longest{worker, since};
  }
  return found;
}

}  // namespace fusewire::proxy
