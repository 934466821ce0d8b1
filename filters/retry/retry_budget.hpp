// SPDX-License-Identifier: Apache-2.0
// How many retries may be added to what an upstream's callers ask of it.
#pragma once

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <optional>

#include "config/retries.hpp"
#include "filters/time.hpp"

namespace fusewire {

// Thread-safe and lock-free; nothing allocates. One for each upstream, owned by its state and shared by all workers.
// The idea is that of Finagle's and linkerd's retry budgets.
//
// Each call pays in `ratio` once, whatever comes of it; each retry (and each hedge) takes one. A retry at `now` is
// allowed where, it included,
//
//   retries in the window  <=  sum of `ratio` over the calls in the window  +  min_per_second x min(window, age + 1 s)
//
// so a failing upstream is asked at most 1 + ratio times as often as its callers ask, and `min_per_second` times a
// second beside that, for upstreams with few calls. `age` is the time since the budget was made: an upstream that has
// just started has the minimum of the time that has passed and of one second more, not a whole window's. One that is
// old and was idle has a whole window's at once. With ratio 0 the minimum alone allows retries; with both 0 there are
// none.
//
// Exact under concurrency: retries are counted in one word, and the exchange that counts one succeeds only if no other
// was counted since the sums were made. No token is given out twice, and no retry is refused while one is left.
//
// The window rolls in slots of 250 ms. Calls are counted over as many slots as lie within the window, retries over as
// many as cover it, so each window that ends with a retry keeps the bound to the millisecond; the price is up to a
// quarter of a second of calls that count no more, and of retries that still do: of a steady stream 97.5 % of the ratio
// with a window of 10 s, 80 % with one of 1 s. Each slot's word carries the turn of the ring in which it was written: a
// word of another turn is empty, so nothing rotates, no timer runs, and an idle gap of any length empties the budget.
// For retries time never goes back: one with an older reading of the clock than another's is judged at the other's.
//
// Settings come with each call, because a route's may differ from its upstream's and a reload changes them: a call pays
// by its own ratio, a retry is judged by its own window and minimum, and what was counted stays.
class RetryBudget {
 public:
  // `ratio` is taken in whole thousandths; of windows of less than 1 s or more than 30 s the nearer one is.
  using Settings = config::RetryBudget;

  explicit RetryBudget(Time made) noexcept : made_(made) {}

  // Once a call, with its first attempt.
  void deposit(const Settings&, Time now) noexcept;
  // When a retry is decided on; false: there must be none. A token is never given back: one that is not used leaves
  // with the window.
  bool try_take(const Settings&, Time now) noexcept;
  // How many retries would be allowed now: for admin and metrics.
  std::uint64_t available(const Settings&, Time now) const noexcept;

 private:
  static constexpr std::int64_t kSlotMs = 250;
  static constexpr std::size_t kSlots = 128;
  static constexpr std::uint64_t kToken = 1000;  // counts are in thousandths of a retry
  using Slots = std::array<std::atomic<std::uint64_t>, kSlots>;

  // Milliseconds since the budget was made, and the slot that they lie in.
  struct Moment {
    explicit Moment(std::int64_t ms) noexcept : age(ms), slot(static_cast<std::uint64_t>(ms / kSlotMs)) {}
    std::int64_t age;
    std::uint64_t slot;
  };
  Moment at(Time now) const noexcept;
  Moment advance(Time now) noexcept;
  bool begin(std::uint64_t slot) noexcept;
  std::uint64_t allowed(const Settings&, Moment) const noexcept;
  std::optional<std::uint64_t> taken(const Settings&, Moment, std::uint64_t count) const noexcept;
  bool may_take(const Settings&, Moment, std::uint64_t count) const noexcept;

  const Time made_;
  alignas(64) std::atomic<std::uint64_t> count_{0};  // of all retries that were ever allowed
  std::atomic<std::int64_t> latest_{0};              // age of the latest wish for one
  // Written by every call: thousandths that were paid in during a slot.
  alignas(64) Slots paid_{};
  // Written by the first retry that is asked for in a slot: a count of retries from before all that are in it.
  Slots count_before_{};
};

}  // namespace fusewire
