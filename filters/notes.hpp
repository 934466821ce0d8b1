// SPDX-License-Identifier: Apache-2.0
// What the filters decided about a call, and why, in codes: a person's question about a request is answered from them
// later (proxy/observe/journal.hpp). Nothing is decided by them.
#pragma once

#include <algorithm>
#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <new>
#include <span>

#include "config/probes.hpp"
#include "filters/time.hpp"

namespace fusewire {

// With what `detail`, `number` and `value` of the note say; not named: they are 0.
enum class Decision : std::uint8_t {
  cache_answered,    // detail: CacheAnswer; value: age in seconds
  cache_forwarded,   // detail: cache::Forward, why the upstream is asked
  cache_waits,       // for another request's fetch of the same thing
  cache_refreshes,   // behind the client's back, after this stale answer
  cache_has_none,    // only-if-cached, and nothing is stored
  cache_stored,      // the response; value: its bytes
  cache_not_stored,  // detail: cache::Refusal
  rate_refused,      // number: LimitNote; value: ms until there is a token
  slot_waits,        // in the queue. number: LimitNote; value: how many may be in flight
  slot_taken,        // after the wait. number: LimitNote
  slot_refused,      // detail: SlotRefusal; number: LimitNote; value: how many may be in flight
  breaker_rejected,  // detail: breaker::RejectedBy; number: RejectionNote; value: ms to the next trial
  breaker_judged,    // detail: Verdict, a failure or neutral
  endpoints_open,    // the breaker of each endpoint rejects; value: ms to the next trial
  endpoint_skipped,  // nothing could be sent to it: the next one is asked at once
  dial_held,         // the endpoint's address answered nobody; value: ms for which this one waited for a trial
  delay_injected,    // by a fault; value: ms
  abort_injected,    // likewise. number: the status; 0 it was a reset
  deadline_asked,    // value: ms that the client gives
  deadline_passed,   // before anything was sent
  retry_made,        // detail: Trigger; number: status; value: ms of back-off
  retry_not_made,    // detail: RetryRefusal; number: status
  retry_given_up,    // while the back-off ran
  hedge_sent,        // value: ms for which the first attempt had not answered
  hedge_not_sent,    // retries.budget is spent
  hedge_ended,       // detail: HedgeResult
  fallback_begun,    // detail: Trigger; number: status
  fallback_not_for,  // detail: Trigger that `fallback.on` does not list; number: status
  fallback_step,     // detail: FallbackType; number: FallbackResult; value: ms of age where a stored answer stands in
  fallback_asks,     // another upstream
  fallback_barred,   // another upstream may not be asked. detail: 0 it may not be repeated, 1 no time is left
};
inline constexpr std::size_t kDecisions = static_cast<std::size_t>(Decision::fallback_barred) + 1;

enum class CacheAnswer : std::uint8_t { fresh, stale, validated, collapsed };
enum class SlotRefusal : std::uint8_t { no_queue, queue_full, queue_timeout };
enum class RetryRefusal : std::uint8_t {
  attempts_used,     // all of retries.attempts are made
  not_listed,        // retries.on does not have it
  not_repeatable,    // the method may not be sent twice
  body_not_kept,     // of the request
  body_too_large,    // retries.max_body
  breaker_moved,     // it has left the state in which it let the call pass
  no_endpoint,       // that may be asked
  no_time,           // the back-off would outlast the deadline
  no_room_to_wait,   // as long as Retry-After says: that would hold too many slots
  over_budget,       // retries.budget
  connection_bound,  // an authentication of the connection goes on
  already_answering  // the client has had an interim response, or is gone
};

// Whose limit it was, and whether adaptive_concurrency had made it lower than it was set.
struct LimitNote {
  bool of_route = false;
  bool adaptive = false;

  constexpr int packed() const noexcept { return (of_route ? 1 : 0) | (adaptive ? 2 : 0); }
  static constexpr LimitNote of(std::uint16_t number) noexcept { return {(number & 1U) != 0, (number & 2U) != 0}; }
};

// Why a breaker is as it is, and what it waits for.
struct RejectionNote {
  std::uint8_t trip = 0;      // breaker::Reason of the last one + 1; 0: there was none
  config::ProbeType probe{};  // recovery.probe
  bool above = false;         // the upstream's, where a route has a breaker of its own

  constexpr int packed() const noexcept { return trip | static_cast<int>(probe) << 8 | (above ? 1 << 10 : 0); }
  static constexpr RejectionNote of(std::uint16_t number) noexcept {
    return {static_cast<std::uint8_t>(number & 255U), static_cast<config::ProbeType>(number >> 8 & 3U),
            (number >> 10 & 1U) != 0};
  }
};

inline constexpr std::uint32_t kNoValue = UINT32_MAX;

// A time or a number of ms that does not fit is as large as can be.
constexpr std::uint32_t saturated(std::int64_t value) noexcept {
  return static_cast<std::uint32_t>(std::clamp<std::int64_t>(value, 0, kNoValue - 1));
}

struct Note {
  Decision what{};
  std::uint8_t detail = 0;
  std::uint16_t number = 0;
  std::uint32_t value = 0;
  Time at{};
  bool operator==(const Note&) const = default;
};

// Belongs to its call. Bounded: what comes when it is full is left out.
class Notes {
 public:
  static constexpr std::size_t kMax = 12;

  void add(const Note& note) noexcept {
    if (count_ < kMax) ::new (static_cast<void*>(bytes_.data() + sizeof note * count_++)) Note(note);
  }
  std::span<const Note> all() const noexcept { return {reinterpret_cast<const Note*>(bytes_.data()), count_}; }
  bool full() const noexcept { return count_ == kMax; }

 private:
  alignas(Note) std::array<std::byte, kMax * sizeof(Note)> bytes_;  // of `count_` notes; what is behind them is not set
  std::uint8_t count_ = 0;
};

}  // namespace fusewire
