// SPDX-License-Identifier: Apache-2.0
// Deadlines of a worker: a timing wheel that its loop turns. Arming a deadline that moves later (every request does) is
// one store; the node is re-sorted when its old slot comes up. A deadline fires at most one slot (3 ms) late, never
// early: with the millisecond to which the kernel's wait is rounded up that stays below 5 ms. In a
// turn of the loop that is long, what falls due waits until all that has come is handled.
#pragma once

#include <array>
#include <chrono>
#include <cstdint>
#include <functional>

#include "filters/time.hpp"

namespace fusewire::proxy {

class DeadlineWheel;

// One thing that may fall due again and again. Unlinks itself when destroyed. `on_due` may destroy the deadline.
class Deadline {
 public:
  Deadline(DeadlineWheel& wheel, std::function<void()> on_due) : wheel_(wheel), on_due_(std::move(on_due)) {}
  ~Deadline() { unlink(); }
  Deadline(const Deadline&) = delete;
  Deadline& operator=(const Deadline&) = delete;

  void arm(Time due);  // kNever: not at all
  void disarm() { due_ = kNever; }
  Time due() const { return due_; }

 private:
  friend class DeadlineWheel;
  void unlink();

  DeadlineWheel& wheel_;
  std::function<void()> on_due_;
  Time due_ = kNever;
  std::int64_t slot_ = 0;  // the absolute number of the slot it is linked in
  Deadline* next_ = nullptr;
  Deadline** link_ = nullptr;  // what points at us; nullptr: not linked
};

class DeadlineWheel {
 public:
  explicit DeadlineWheel(Time now = std::chrono::steady_clock::now());

  Time next() const;  // when tick() has something to do; kNever: nothing is armed
  void tick(Time now);
  // Of the last tick(), or of the one that is under way: `on_due` measures by it, for events that have come since then
  // have not been handled.
  Time ticked() const { return ticked_; }

 private:
  friend class Deadline;
  static constexpr std::int64_t kSlots = 4096;  // a turn takes 12 s
  static constexpr std::int64_t kWordBits = 64;
  static_assert((kSlots & (kSlots - 1)) == 0 && kSlots % kWordBits == 0);
  static constexpr std::chrono::milliseconds kSlot{3};

  static std::int64_t slot_of(Time);
  // Also for times before the clock's zero: a wheel may be older than the machine.
  static std::size_t index_of(std::int64_t slot) { return static_cast<std::size_t>(slot & (kSlots - 1)); }
  void link(Deadline&);
  void schedule(std::int64_t slot);
  void fire_slot(std::int64_t slot, Time now);
  std::int64_t next_linked(std::int64_t from);

  std::array<Deadline*, kSlots> slots_{};
  // A bit for each slot that something was linked in; taken away when the slot is found empty.
  std::array<std::uint64_t, kSlots / kWordBits> linked_{};
  std::int64_t current_;        // every slot before it has been fired
  std::int64_t scheduled_ = 0;  // the first slot that has something in it; 0: none
  Time ticked_;
};

}  // namespace fusewire::proxy
