// SPDX-License-Identifier: Apache-2.0
#include "proxy/net/deadlines.hpp"

#include <algorithm>
#include <bit>
#include <utility>

namespace fusewire::proxy {

void Deadline::arm(Time due) {
  due_ = due;
  if (due == kNever) return;
  if (link_ != nullptr) {
    if (slot_ <= DeadlineWheel::slot_of(due)) return;  // lazily: the old slot comes first and re-sorts us
    unlink();
  }
  wheel_.link(*this);
}

void Deadline::unlink() {
  if (link_ == nullptr) return;
  *link_ = next_;
  if (next_ != nullptr) next_->link_ = link_;
  link_ = nullptr;
  next_ = nullptr;
}

DeadlineWheel::DeadlineWheel(Time now) : current_(slot_of(now)), ticked_(now) {}

Time DeadlineWheel::next() const {
  return scheduled_ == 0 ? kNever : Time(scheduled_ * std::chrono::duration_cast<Time::duration>(kSlot));
}

// Rounded up: when the slot's time has come, everything due in it is due.
std::int64_t DeadlineWheel::slot_of(Time time) {
  const auto since = time.time_since_epoch();
  return (since + kSlot - std::chrono::steady_clock::duration(1)) / kSlot;
}

void DeadlineWheel::link(Deadline& deadline) {
  // What lies beyond one turn waits in the last slot of the turn and is sorted again from there.
  const std::int64_t slot = std::clamp(slot_of(deadline.due_), current_, current_ + kSlots - 1);
  const std::size_t index = index_of(slot);
  linked_[index / kWordBits] |= std::uint64_t{1} << (index % kWordBits);
  Deadline*& head = slots_[index];
  deadline.slot_ = slot;
  deadline.next_ = head;
  deadline.link_ = &head;
  if (head != nullptr) head->link_ = &deadline.next_;
  head = &deadline;
  schedule(slot);
}

void DeadlineWheel::schedule(std::int64_t slot) {
  if (scheduled_ == 0 || slot < scheduled_) scheduled_ = slot;
}

void DeadlineWheel::tick(Time now) {
  if (now < next()) return;
  ticked_ = now;
  const std::int64_t last = now.time_since_epoch() / kSlot;  // rounded down: this slot's time has come
  scheduled_ = 0;
  // The wheel turns first: what is linked again while slots fire must count from now, for the last tick may be more
  // than a turn ago.
  const std::int64_t first = std::exchange(current_, std::max(current_, last + 1));
  const std::int64_t end = std::min(last, first + kSlots - 1);
  for (std::int64_t slot = first; slot <= end; ++slot) fire_slot(slot, now);
  if (const std::int64_t next = next_linked(current_); next != 0) schedule(next);
}

void DeadlineWheel::fire_slot(std::int64_t slot, Time now) {
  // Takes the list away first: on_due may arm, disarm or destroy any deadline, this list's too.
  Deadline* list = slots_[index_of(slot)];
  slots_[index_of(slot)] = nullptr;
  if (list != nullptr) list->link_ = &list;
  while (list != nullptr) {
    Deadline& deadline = *list;
    deadline.unlink();
    if (deadline.due_ == kNever) continue;
    if (deadline.due_ > now) {
      link(deadline);
      continue;
    }
    deadline.due_ = kNever;
    // A copy, for on_due may destroy the deadline and with it the function that runs.
    const auto on_due = deadline.on_due_;
    on_due();
  }
}

// The first slot from there on that is not empty; 0: none.
std::int64_t DeadlineWheel::next_linked(std::int64_t from) {
  const std::int64_t end = from + kSlots;
  for (std::int64_t slot = from; slot < end;) {
    const std::size_t index = index_of(slot);
    std::uint64_t& word = linked_[index / kWordBits];
    const std::uint64_t rest = word >> (index % kWordBits);
    if (rest == 0) {
      slot += kWordBits - static_cast<std::int64_t>(index % kWordBits);
      continue;
    }
    slot += std::countr_zero(rest);
    if (slot >= end) break;
    if (slots_[index_of(slot)] != nullptr) return slot;
    word &= ~(std::uint64_t{1} << (index_of(slot) % kWordBits));
  }
  return 0;
}

}  // namespace fusewire::proxy
