// SPDX-License-Identifier: Apache-2.0
// How many? The first of the breaker's three questions: calls that ended and calls that were judged for slowness, over
// a time or over a number of calls. Thread-safe, lock-free, O(1); what was counted under one generation is not seen
// from another.
#pragma once

#include <atomic>
#include <variant>

#include "filters/breaker/core/count_ring.hpp"
#include "filters/breaker/core/time_ring.hpp"

namespace fusewire::breaker {

// The breaker owns its windows and keeps those that a reload has replaced. A call that ends works out a Moment once,
// adds with add_ended (and with add_judged when it is known whether the call was slow), and the trip policy reads the
// sums for the same Moment. Invariants: a sum never contains what another generation, or a time before empty(), has
// counted; the shape does not change. empty() is for the control thread.
class SlidingWindow {
 public:
  explicit SlidingWindow(const config::Window&);

  // A time in a generation, worked out once for all that one call does to the window.
  struct Moment {
    std::uint32_t tag = 0;
    TimeScale::Moment on_ring;  // time-based only
  };
  Moment at(std::uint32_t generation, Millis now) const noexcept;

  void add_ended(Moment, bool failed) noexcept;
  void add_judged(Moment, bool slow) noexcept;
  Tally ended(Moment) const noexcept;
  Tally judged(Moment) const noexcept;
  // False: ended() (or judged()) has no mark at any moment, so a healthy upstream needs no sums.
  bool may_have_failures() const noexcept;
  bool may_have_slow() const noexcept;
  WindowFigures figures(Moment) const noexcept;

  void empty() noexcept { turns_.fetch_add(1, std::memory_order_acq_rel); }
  bool has_shape(const config::Window&) const noexcept;
  Millis duration() const noexcept;  // 0: count-based
  // So many calls beside a row make a stream busy (docs/configuration.md, "A row in a busy stream").
  std::uint64_t busy_from() const noexcept;

 private:
  struct OverTime {
    explicit OverTime(milliseconds duration) noexcept : scale(duration) {}
    TimeScale scale;
    TimeRing ended;
    TimeRing judged;
    MarkedSlots failed;
    MarkedSlots slow;
  };
  struct OverCalls {
    explicit OverCalls(std::uint32_t calls) : size(calls), ended(calls), judged(calls) {}
    std::uint32_t size;
    CountRing ended;
    CountRing judged;
  };

  std::variant<OverTime, OverCalls> counts_;
  // How often it was emptied. A tag consists of the generation and this count, so earlier writes are not seen again.
  std::atomic<std::uint32_t> turns_{0};
};

// failure_count's own rolling window.
class FailureWindow {
 public:
  explicit FailureWindow(milliseconds duration) noexcept : scale_(duration) {}

  void add(std::uint32_t generation, Millis now) noexcept {
    ring_.add(scale_, scale_.at(tag(generation), now), true, slots_);
  }
  std::uint64_t count(std::uint32_t generation, Millis now) const noexcept {
    return ring_.sum(scale_, scale_.at(tag(generation), now)).total;
  }

  void empty() noexcept { turns_.fetch_add(1, std::memory_order_acq_rel); }
  bool has_shape(milliseconds duration) const noexcept { return scale_.duration() == TimeScale(duration).duration(); }

 private:
  std::uint32_t tag(std::uint32_t generation) const noexcept {
    return generation + turns_.load(std::memory_order_acquire);
  }

  TimeScale scale_;
  TimeRing ring_;
  MarkedSlots slots_;
  std::atomic<std::uint32_t> turns_{0};
};

}  // namespace fusewire::breaker
