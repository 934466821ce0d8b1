// SPDX-License-Identifier: Apache-2.0
#include "filters/limits/concurrency_limiter.hpp"

namespace fusewire::limits {

using Slot = ConcurrencyLimiter::Slot;
using Waiter = ConcurrencyLimiter::Waiter;

// ----------------------------------------------------------------------------------------------- nobody waits: no lock

// Acquire and release: what the last holder of a slot did is done before the next one begins.
bool ConcurrencyLimiter::exchange(Counts& seen, Counts wanted) noexcept {
  return counts_.compare_exchange_weak(seen, wanted, std::memory_order_acq_rel, std::memory_order_relaxed);
}

void ConcurrencyLimiter::remember(std::uint32_t limit) noexcept {
  if (limit_.load(std::memory_order_relaxed) != limit) limit_.store(limit, std::memory_order_relaxed);
}

std::optional<Slot> ConcurrencyLimiter::try_acquire(std::uint32_t limit) noexcept {
  remember(limit);
  Counts seen = load();
  if (seen.waiting > 0 && seen.in_use < limit) {  // it has been raised since these came
    hand_over();
    seen = load();
  }
  while (seen.waiting == 0 && seen.in_use < limit)
    if (exchange(seen, {seen.in_use + 1, 0})) return Slot(*this, seen.in_use + 1);
  return std::nullopt;
}

void ConcurrencyLimiter::release() noexcept {
  Counts seen = load();
  while (!exchange(seen, {seen.in_use - 1, seen.waiting})) {
  }
  if (seen.waiting > 0) hand_over();
}

void Slot::release() noexcept {
  if (limiter_ != nullptr) std::exchange(limiter_, nullptr)->release();
}

Slot& Slot::operator=(Slot&& other) noexcept {
  if (this == &other) return *this;
  release();
  limiter_ = std::exchange(other.limiter_, nullptr);
  in_flight_ = other.in_flight_;
  return *this;
}

// ------------------------------------------------------------------------------------------------------------ the
// queue

// Gives free slots to those that wait, one by one: each is woken with no lock held.
void ConcurrencyLimiter::hand_over() noexcept {
  std::shared_ptr<Waker> waker;
  while (hand_over_one(waker))
    if (const auto granted = std::exchange(waker, nullptr)) granted->wake();
}

bool ConcurrencyLimiter::hand_over_one(std::shared_ptr<Waker>& waker) noexcept {
  const std::lock_guard lock(mutex_);
  Counts seen = load();
  do {
    if (seen.waiting == 0 || seen.in_use >= limit_.load(std::memory_order_relaxed)) return false;
  } while (!exchange(seen, {seen.in_use + 1, seen.waiting - 1}));
  Waiter& first = *queue_.begin()->second;
  queue_.erase(queue_.begin());
  first.queued_.reset();
  first.slot_ = Slot(*this, seen.in_use + 1);
  waker = std::move(first.waker_);
  return true;
}

bool ConcurrencyLimiter::enter(Waiter& waiter, std::uint32_t limit, std::uint32_t queue_size, std::int32_t priority) {
  remember(limit);
  const bool entered = acquire_or_wait(waiter, queue_size, priority);
  hand_over();  // where the limit has been raised since the others came
  return entered;
}

bool ConcurrencyLimiter::acquire_or_wait(Waiter& waiter, std::uint32_t queue_size, std::int32_t priority) {
  const std::lock_guard lock(mutex_);
  const auto place = queue_.emplace(Place{priority, arrivals_++}, &waiter).first;
  Counts seen = load();
  bool free = false;
  do {
    free = seen.waiting == 0 && seen.in_use < limit_.load(std::memory_order_relaxed);
    if (!free && seen.waiting >= queue_size) return queue_.erase(place), false;
  } while (!exchange(seen, free ? Counts{seen.in_use + 1, 0} : Counts{seen.in_use, seen.waiting + 1}));
  if (free) {
    queue_.erase(place);
    waiter.slot_ = Slot(*this, seen.in_use + 1);
  } else {
    waiter.queued_ = place;
  }
  return true;
}

void ConcurrencyLimiter::leave(Waiter& waiter) noexcept {
  std::optional<Slot> granted;  // given back after the lock
  const std::lock_guard lock(mutex_);
  granted.swap(waiter.slot_);
  if (!waiter.queued_) return;
  Counts seen = load();
  while (!exchange(seen, {seen.in_use, seen.waiting - 1})) {
  }
  queue_.erase(*std::exchange(waiter.queued_, std::nullopt));
}

bool Waiter::enter(std::uint32_t limit, std::uint32_t queue_size, std::int32_t priority) {
  return limiter_.enter(*this, limit, queue_size, priority);
}

bool Waiter::await(std::shared_ptr<Waker> waker) {
  const std::lock_guard lock(limiter_.mutex_);
  if (!queued_) return false;
  waker_ = std::move(waker);
  return true;
}

std::optional<Slot> Waiter::take() {
  const std::lock_guard lock(limiter_.mutex_);
  return std::exchange(slot_, std::nullopt);
}

}  // namespace fusewire::limits
