// SPDX-License-Identifier: Apache-2.0
// Thread-safe: one for each upstream (or route), used by all workers. So many requests at a time, and a bounded queue
// of those that wait for a slot (a bulkhead).
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <utility>

#include "filters/step.hpp"

namespace fusewire::limits {

// While nobody waits, taking and freeing a slot are one compare-and-swap each. The mutex is for those that wait: it is
// taken to enter and to leave the queue, and to take or free a slot while somebody is in it.
//
// Both counts, slots in use and waiters, share one word, and each change of either is a compare-and-swap of the whole
// word. So no wake-up is lost: of a slot that is freed and a request that enters, one comes first in the word's order
// of changes. Either the request finds the slot free, or the one that frees it finds the request waiting and hands the
// slot over. (With two words both would have to be written and then read sequentially consistent.)
//
// Invariants:
// - Slots are taken only below the limit of the newest call: a lower one is reached as slots are freed. At least 1.
// - A slot that is handed over counts as in use at once, before its new holder has woken up.
// - While somebody waits nobody overtakes: what is free or freed goes to the first in the queue. A higher limit makes
//   slots free; the next call hands them over.
// - The word's count of waiters is the queue's size, except while the mutex is held.
//
// The limit comes with each call (a reload or AdaptiveLimit changes it); the newest one is kept for those that free
// slots. Slots and waiters must not outlive their limiter.
//
//   if (auto slot = limiter.try_acquire(limit)) …         // holds it until it is destroyed
//   Waiter waiter(limiter);
//   if (!waiter.enter(limit, queue_size, priority)) …     // the queue is full
//   return Wait{&waiter, until};                          // then, woken or at `until`:
//   if (auto slot = waiter.take()) …                      // else it has come to nothing
class ConcurrencyLimiter {
 public:
  // One request's place among those in flight.
  class Slot {
   public:
    Slot(Slot&& other) noexcept : limiter_(std::exchange(other.limiter_, nullptr)), in_flight_(other.in_flight_) {}
    Slot& operator=(Slot&& other) noexcept;
    ~Slot() { release(); }

    void release() noexcept;
    // How many were in flight when it was taken, itself included: what AdaptiveLimit wants to know.
    std::uint32_t in_flight() const noexcept { return in_flight_; }

   private:
    friend class ConcurrencyLimiter;
    Slot(ConcurrencyLimiter& limiter, std::uint32_t in_flight) noexcept : limiter_(&limiter), in_flight_(in_flight) {}
    ConcurrencyLimiter* limiter_;  // nullptr: it has been released
    std::uint32_t in_flight_;
  };

  class Waiter;

  // Empty: all are in use, or others wait already.
  std::optional<Slot> try_acquire(std::uint32_t limit) noexcept;

  std::uint32_t in_use() const noexcept { return load().in_use; }
  std::uint32_t waiting() const noexcept { return load().waiting; }
  std::uint32_t limit() const noexcept { return limit_.load(std::memory_order_relaxed); }  // of the newest call

 private:
  struct alignas(8) Counts {
    std::uint32_t in_use = 0;
    std::uint32_t waiting = 0;
  };
  // Highest priority first, then the oldest.
  struct Place {
    std::int32_t priority = 0;
    std::uint64_t arrival = 0;
    bool operator<(const Place& other) const noexcept {
      return priority != other.priority ? priority > other.priority : arrival < other.arrival;
    }
  };
  using Queue = std::map<Place, Waiter*>;

  Counts load() const noexcept { return counts_.load(std::memory_order_relaxed); }
  bool exchange(Counts& seen, Counts wanted) noexcept;
  void remember(std::uint32_t limit) noexcept;

  bool enter(Waiter&, std::uint32_t limit, std::uint32_t queue_size, std::int32_t priority);
  bool acquire_or_wait(Waiter&, std::uint32_t queue_size, std::int32_t priority);
  void leave(Waiter&) noexcept;
  void release() noexcept;
  void hand_over() noexcept;
  bool hand_over_one(std::shared_ptr<Waker>&) noexcept;

  static_assert(std::atomic<Counts>::is_always_lock_free);
  alignas(64) std::atomic<Counts> counts_{};
  std::atomic<std::uint32_t> limit_{1};  // the newest; written where it differs

  std::mutex mutex_;  // guards what follows, and the waiters in the queue
  Queue queue_;
  std::uint64_t arrivals_ = 0;
};

// A request in the queue; belongs to its call, is used by one thread, and reached by those that free slots only through
// the limiter's mutex. Its end is in its destructor: it leaves the queue, or gives back the slot that it was granted.
class ConcurrencyLimiter::Waiter final : public Awaited {
 public:
  explicit Waiter(ConcurrencyLimiter& limiter) noexcept : limiter_(limiter) {}
  Waiter(const Waiter&) = delete;
  Waiter& operator=(const Waiter&) = delete;
  ~Waiter() { limiter_.leave(*this); }

  // Once. False: `queue_size` others wait already. It may get its slot at once.
  bool enter(std::uint32_t limit, std::uint32_t queue_size, std::int32_t priority);
  // False: the slot is there.
  bool await(std::shared_ptr<Waker>) override;
  // Its slot. Empty: there is none so far; it still waits.
  std::optional<Slot> take();

 private:
  friend class ConcurrencyLimiter;
  ConcurrencyLimiter& limiter_;
  // Guarded by the limiter's mutex.
  std::optional<Queue::iterator> queued_;  // its place in the queue
  std::optional<Slot> slot_;               // what it was granted, until it is taken
  std::shared_ptr<Waker> waker_;
};

}  // namespace fusewire::limits
