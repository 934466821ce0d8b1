// SPDX-License-Identifier: Apache-2.0
// What is known of one address of an endpoint: how fast it answers, which share of its answers is good, how many
// requests it has. Shared by all threads; lock-free.
#pragma once

#include <atomic>
#include <chrono>
#include <cstdint>

#include "filters/balance/health_view.hpp"
#include "filters/time.hpp"

namespace fusewire::balance {

using std::chrono::nanoseconds;

// How a request at an address ended.
enum class Result : std::uint8_t {
  success,     // behind the head: its body has ended
  failure,     // its latency counts only where it is longer than what is known: a quick refusal is no merit
  unanswered,  // the wait was ended here (a hedge lost, the client left): it would have taken at least that long;
               // behind the head: its body has not ended by the client's deadline
  neutral,     // it says nothing
};

// Each request of each worker to the address is counted here: begin(), and end() when it is over (Flight sees to it).
// The state of the address owns it, and outlives its requests. No function waits, allocates or fails.
//
// Latency is a peak EWMA as finagle and linkerd have it: a slower answer counts at once, a faster one draws it down to
// 1/e in 3 s. It is kept as a logarithm, and an answer raises it by a quarter of a doubling, or by more where good
// answers are rare: a few slow answers drive requests away, one of many does not (some requests are slow at every
// address). The share of successes weighs each answer by the time since the last good one, within bounds.
//
// An address that is bad is not starved: what is held against it wears off while no request is sent to it, after 9 s at
// the latest. Then one is, which makes everything count again, so that others do not follow before its answer. One that
// is new counts as its peers do, and is not flooded: before its first answer a third request at a time makes it very
// bad. One that hangs is noticed before anything has ended, by the time since it last made progress and by how many
// wait: n of them that wait t say as much of its latency as one that waits n x t, for the few that are counted. (Some
// may have begun later than that; an answer to any of them takes it all back.) One that answers with heads only is
// noticed by the bodies that have begun and not ended, where its peers have none.
//
// Two words, each changed by one compare-and-swap, so that each is consistent in itself. Times are ticks of 2^20 ns.
//
//   answers_   63..40 latency | 39..28 share of failures | 27..0 time of the last good answer
//   load_      63..42 time of the last progress | 41..38 unfinished bodies
//              37..19 requests that wait for their answer | 18..0 requests
class alignas(64) EndpointHealth {
 public:
  explicit EndpointHealth(Time since) noexcept { restart(since); }

  // A request is sent; it waits for its answer from now on.
  void begin(Time now) noexcept;
  // The request is over; it has waited for `latency`.
  void end(Result, nanoseconds latency, Time now) noexcept;

  // The head of its response has come after `latency`; the body keeps it in flight until end_answered(), which judges
  // it once more: success for a body that ended well, failure for one that broke off, unanswered for one that was late
  // after `latency`, or neutral.
  void answered(Result, nanoseconds latency, Time now) noexcept;
  void end_answered(Result, nanoseconds latency, Time now) noexcept;
  // It does not wait, because its own body is being sent, until resume().
  void pause() noexcept;
  void resume(Time now) noexcept;

  // The address is usable, or usable again: nothing is known of it any more, and its slow start begins. Its requests
  // stay counted.
  void restart(Time since) noexcept;
  // Which part of its weight counts, 0.1 to 1. slow_start: 0 = off.
  float ramp(Time now, nanoseconds slow_start) const noexcept;

  HealthView view(Time now) const noexcept;
  std::uint32_t in_flight() const noexcept;

 private:
  template <class Change>
  void change_load(Change) noexcept;
  void judge(Result, nanoseconds latency, Time now) noexcept;

  std::atomic<std::uint64_t> answers_{0};
  std::atomic<std::uint64_t> load_{0};
  std::atomic<std::uint32_t> last_begin_{0};        // tick
  std::atomic<std::uint32_t> unfinished_since_{0};  // tick: the first of the unfinished bodies has begun
  std::atomic<Time::rep> since_{0};
};
static_assert(sizeof(EndpointHealth) == 64);

}  // namespace fusewire::balance
