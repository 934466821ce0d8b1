// SPDX-License-Identifier: Apache-2.0
// What the filters decided about a call, and why, in codes: a person's question about a request is answered from them
// later (proxy/observe/journal.hpp). Nothing is decided by them.
#pragma once

#include <algorithm>
#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <span>

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
  rate_refused,      // value: ms until there is a token
  slot_waits,        // for one of max_concurrent_requests, in the queue
  slot_taken,        // after the wait
  slot_refused,      // detail: SlotRefusal
  breaker_rejected,  // detail: breaker::RejectedBy; number: breaker::Reason of its last trip + 1; value: ms to the
                     // trial
  breaker_judged,    // detail: Verdict, a failure or neutral
  endpoints_open,    // the breaker of each endpoint rejects; value: ms to the next trial
  endpoint_skipped,  // nothing could be sent to it: the next one is asked at once
  deadline_asked,    // value: ms that the client gives
  deadline_passed,   // before anything was sent
  retry_made,        // detail: Trigger; number: status; value: ms of back-off
  retry_not_made,    // detail: RetryRefusal; number: status
  retry_given_up,    // while the back-off ran
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
  over_budget,       // retries.budget
  connection_bound,  // an authentication of the connection goes on
  already_answering  // the client has had an interim response, or is gone
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
  std::uint32_t at_us = 0;  // since the request came
  bool operator==(const Note&) const = default;
};

// Belongs to its call. Bounded: what comes when it is full is left out.
class Notes {
 public:
  static constexpr std::size_t kMax = 12;

  void add(const Note& note) noexcept {
    if (count_ < kMax) list_[count_++] = note;
  }
  std::span<const Note> all() const noexcept { return {list_.data(), count_}; }
  bool full() const noexcept { return count_ == kMax; }

 private:
  std::array<Note, kMax> list_;  // the first `count_` are written
  std::uint8_t count_ = 0;
};

}  // namespace fusewire
