// SPDX-License-Identifier: Apache-2.0
// The words of the breaker: states, reasons, figures, events. Plain values.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>

#include "config/config.hpp"

namespace fusewire::breaker {

using Time = std::chrono::steady_clock::time_point;
using std::chrono::milliseconds;

enum class State : std::uint8_t { closed = 0, open = 1, half_open = 2 };
enum class Override : std::uint8_t { none = 0, forced_open = 1, forced_closed = 2 };
enum class Reason : std::uint8_t {
  consecutive_failures,
  failure_count,
  failure_rate,
  consecutive_slow_calls,
  slow_call_rate,
  probe_failed,
  half_open_timeout
};
enum class FailureKind : std::uint8_t { connect_error, timeout, reset, protocol_error, incomplete, status, other };
enum class RejectedBy : std::uint8_t { open, half_open, forced_open, ramp };

inline constexpr std::size_t kReasons = 7;

// "closed", "half_open", "forced_open", "consecutive_failures", …: the spelling of metrics and of JSON.
std::string_view to_string(State);
std::string_view to_string(Override);
std::string_view to_string(Reason);
std::string_view to_string(FailureKind);
std::string_view to_string(RejectedBy);

struct Rejection {
  RejectedBy by = RejectedBy::open;
  std::optional<milliseconds> retry_after;  // absent: forced open without an end. half_open, ramp: 0
};

// What the window held, by the names of the admin API and of events.
struct WindowFigures {
  std::uint64_t ended = 0;
  std::uint64_t failures = 0;
  std::uint64_t judged = 0;
  std::uint64_t slow = 0;
};

// The deciding figures of a trip: value against threshold, e.g. 5 of 5 failures in a row, 0.62 against 0.5.
struct Trip {
  Reason reason = Reason::consecutive_failures;
  double value = 0;
  double threshold = 0;
  WindowFigures window;
  std::uint32_t consecutive_failures = 0;
  std::uint32_t consecutive_slow_calls = 0;
  std::optional<FailureKind> failure =
      std::nullopt;  // of the call that decided it; absent: that was slow, or a success
  milliseconds open_for{0};
  Time at{};
};

struct Totals {
  std::uint64_t success = 0;
  std::uint64_t failure = 0;
  std::uint64_t neutral = 0;
  std::uint64_t rejected = 0;
  std::uint64_t would_reject = 0;
  std::uint64_t trips = 0;
};

// All that can be seen of a breaker, read without stopping it: each figure is true, together they may be a call apart.
struct Snapshot {
  State state = State::closed;
  Override override_state = Override::none;
  config::Mode mode = config::Mode::enforce;
  std::uint32_t generation = 0;
  WindowFigures window;
  std::optional<std::uint64_t> failure_count;  // in failure_count's own window, where it is on
  std::uint32_t consecutive_failures = 0;      // exact to 65,535, as the next one is
  std::uint32_t consecutive_slow_calls = 0;    // 0 while slow_call_rate is off
  struct HalfOpen {
    std::uint32_t in_flight = 0;
    std::uint32_t slots = 0;  // half_open_max_calls, and one more for each slot that was given back early
    std::uint32_t successes = 0;
    std::uint32_t failures = 0;
  } half_open;
  std::optional<milliseconds> retry_after;  // retry_after_ms in JSON; absent: none is known
  milliseconds open_remaining{0};           // 0 unless open and the interval runs
  std::optional<double> ramp_share;         // of calls, 0.1 to 1, while recovery.ramp runs; absent: it does not
  Totals totals;
  std::optional<Trip> last_trip;
  std::optional<milliseconds> time_in_override;  // absent: there is none
  Time state_since{};
  milliseconds time_in_state[3] = {};    // by State, up to now, since the breaker was made
  std::uint64_t transitions[3][3] = {};  // [from][to]
  std::uint64_t trips_by_reason[kReasons] = {};
};

struct Event {
  enum class Kind : std::uint8_t { transition, rejection, result, override_set, override_ended, reset };
  Kind kind = Kind::transition;
  Time at{};
  std::uint32_t generation = 0;  // after the event
  // transition
  State from = State::closed;
  State to = State::closed;
  std::optional<Trip> trip = std::nullopt;  // when to == open
  // rejection
  Rejection rejection = {};
  bool would = false;  // shadow: let through
  // result
  enum class Result : std::uint8_t { success, failure, neutral } result = Result::neutral;
  FailureKind failure = FailureKind::other;
  // override_set, override_ended
  Override override_state = Override::none;
  std::optional<milliseconds> override_for = std::nullopt;
};

// Retry-After for what is left of an interval: whole seconds, rounded up, at least 1.
constexpr std::int64_t retry_after_seconds(milliseconds left) noexcept {
  return left.count() <= 1000 ? 1 : (left.count() + 999) / 1000;
}

// What a reload emptied.
struct Reconfigured {
  bool changed = false;
  bool window_emptied = false;
  bool failure_count_emptied = false;
  bool reset = false;  // to or from mode: disabled
};

}  // namespace fusewire::breaker
