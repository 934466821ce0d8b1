// SPDX-License-Identifier: Apache-2.0
// All that can be seen of a breaker.
#include "filters/breaker/core/breaker.hpp"

#include <algorithm>
#include <numeric>

namespace fusewire::breaker {

namespace {

constexpr std::size_t index(State state) { return static_cast<std::size_t>(state); }

}  // namespace

Snapshot Breaker::snapshot(Time now) const {
  const CallContext here = context(now);
  const StateWord word = load();
  Snapshot seen;
  seen.state = word.state();
  seen.mode = here.settings.mode;
  seen.generation = word.generation();
  show_windows(here, word, seen);
  show_times(here, word, seen);
  show_counts(seen);
  seen.last_trip = last_trip_.read();
  return seen;
}

// While open and half-open the windows of the closed generation before stay to be seen.
void Breaker::show_windows(const CallContext& here, StateWord word, Snapshot& seen) const noexcept {
  const Streak::Value failures = counted_.failures.read();
  const Streak::Value slow_calls = counted_.slow_calls.read();
  const bool closed = word.state() == State::closed;
  const std::uint32_t generation = closed ? word.generation() : failures.generation;
  if (failures.generation == generation) seen.consecutive_failures = failures.calls;
  if (slow_calls.generation == generation && here.settings.judges_slowness())
    seen.consecutive_slow_calls = slow_calls.calls;
  seen.window = here.settings.window->figures(here.settings.window->at(generation, here.at));
  if (here.settings.failure_window != nullptr)
    seen.failure_count = here.settings.failure_window->count(generation, here.at);
  if (word.state() != State::half_open) return;
  const StateWord::Probes probes = word.probes();
  seen.half_open = {.in_flight = probes.in_flight,
                    .slots = slots(here, word),
                    .successes = probes.successes,
                    .failures = probes.failures};
}

void Breaker::show_times(const CallContext& here, StateWord word, Snapshot& seen) const noexcept {
  const OverrideWord forced = override_.load(std::memory_order_acquire);
  seen.override_state = forced.at(here.at);
  if (seen.override_state != Override::none)
    seen.time_in_override = milliseconds(here.at - override_set_at_.load(std::memory_order_relaxed));
  if (word.state() == State::closed)
    if (const auto share = ramp_share(here, word)) seen.ramp_share = share->value();
  if (word.state() == State::open) seen.open_remaining = milliseconds(left(word, here.at));
  seen.retry_after = retry_after(here.now);

  for (std::size_t i = 0; i < time_in_.size(); ++i)
    seen.time_in_state[i] = milliseconds(time_in_[i].load(std::memory_order_relaxed));
  const Millis since = since_.of(word.generation());
  const Millis began = since < 0 ? here.at : since;  // in the instant before it is published
  seen.state_since = made_ + milliseconds(began);
  seen.time_in_state[index(seen.state)] += milliseconds(std::max<Millis>(0, here.at - began));
}

void Breaker::show_counts(Snapshot& seen) const noexcept {
  const auto read = [](const auto& counter) { return std::uint64_t{counter.load(std::memory_order_relaxed)}; };
  for (std::size_t i = 0; i < kReasons; ++i) seen.trips_by_reason[i] = read(trips_[i]);
  const auto* trips = seen.trips_by_reason;
  const std::uint64_t from_half_open = trips[static_cast<std::size_t>(Reason::probe_failed)] +
                                       trips[static_cast<std::size_t>(Reason::half_open_timeout)];
  seen.totals = {.success = read(counted_.success),
                 .failure = read(counted_.failure),
                 .neutral = read(counted_.neutral),
                 .rejected = read(counted_.rejected),
                 .would_reject = read(would_reject_),
                 .trips = std::accumulate(trips, trips + kReasons, std::uint64_t{0})};
  seen.transitions[index(State::closed)][index(State::open)] = seen.totals.trips - from_half_open;
  seen.transitions[index(State::open)][index(State::half_open)] = read(half_opened_);
  seen.transitions[index(State::half_open)][index(State::open)] = from_half_open;
  seen.transitions[index(State::half_open)][index(State::closed)] = read(recovered_);
  seen.transitions[index(State::open)][index(State::closed)] = read(reset_while_open_);
}

}  // namespace fusewire::breaker
