// SPDX-License-Identifier: Apache-2.0
// Transitions: one compare-and-swap each; the caller that wins it does the accounts and tells the listener.
#include "filters/breaker/core/breaker.hpp"

#include <algorithm>

namespace fusewire::breaker {

bool Breaker::trip(const CallContext& here, StateWord& word, Cause cause) noexcept {
  const StateWord from = word;
  const std::uint32_t generation = from.next_generation();
  const std::uint32_t row = next_row(here, from);
  const Millis interval = here.settings.open_interval(row, jitter_share(generation));
  const StateWord to = StateWord::open(generation, row, here.at + interval);
  if (!exchange(word, to)) return false;

  last_interval_.store(interval, std::memory_order_release);
  Snapshot seen;
  show_windows(here, to, seen);
  const Trip trip{.reason = cause.reason,
                  .value = cause.value,
                  .threshold = cause.threshold,
                  .window = seen.window,
                  .consecutive_failures = seen.consecutive_failures,
                  .consecutive_slow_calls = seen.consecutive_slow_calls,
                  .failure = cause.failure,
                  .open_for = milliseconds(interval),
                  .at = here.now};
  trips_[static_cast<std::size_t>(cause.reason)].fetch_add(1, std::memory_order_relaxed);
  last_trip_.write(trip);
  on_transition(here, from, to, &trip);
  return true;
}

// Trips in a row, this one included: from 1 again after the breaker has been closed for long enough. A trial that came
// before its time proves nothing about how long the interval should be.
std::uint32_t Breaker::next_row(const CallContext& here, StateWord from) const noexcept {
  if (from.row() == 0) return 1;
  if (from.state() == State::half_open && from.probes().early) return from.row();
  if (from.state() != State::closed) return from.next_row();
  const Millis since = since_.of(from.generation());
  const Millis closed_for = since < 0 ? 0 : here.at - since;
  const Millis enough = std::max(last_interval_.load(std::memory_order_acquire), here.settings.window->duration());
  return closed_for > enough ? 1 : from.next_row();
}

// From -1 to 1, by seed and generation: all threads that compete for a transition compute the same (splitmix64).
double Breaker::jitter_share(std::uint32_t generation) const noexcept {
  std::uint64_t x = seed_ + (std::uint64_t{generation} + 1) * 0x9e3779b97f4a7c15U;
  x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9U;
  x = (x ^ (x >> 27)) * 0x94d049bb133111ebU;
  x ^= x >> 31;
  return static_cast<double>(x >> 11) / static_cast<double>(std::uint64_t{1} << 52) - 1;
}

void Breaker::on_transition(const CallContext& here, StateWord from, StateWord to, const Trip* trip) noexcept {
  if (const Millis began = since_.of(from.generation()); began >= 0)
    time_in_[static_cast<std::size_t>(from.state())].fetch_add(std::max<Millis>(0, here.at - began),
                                                               std::memory_order_relaxed);
  since_.publish(to.generation(), here.at);
  if (to.state() == State::half_open) half_opened_.fetch_add(1, std::memory_order_relaxed);
  if (to.state() == State::closed && from.state() == State::half_open)
    recovered_.fetch_add(1, std::memory_order_relaxed);
  if (to.state() == State::closed && from.state() == State::open)
    reset_while_open_.fetch_add(1, std::memory_order_relaxed);
  if (from.state() == to.state() || !heard_ || !heard_->hears.transitions) return;
  Event event{.kind = Event::Kind::transition,
              .at = here.now,
              .generation = to.generation(),
              .from = from.state(),
              .to = to.state()};
  if (trip != nullptr) event.trip = *trip;
  emit(event);
}

// Only for the one thread that made the event; a listener that throws has changed nothing.
void Breaker::emit(const Event& event) const noexcept {
  if (!heard_) return;
  const bool wanted = event.kind == Event::Kind::rejection ? heard_->hears.rejections
                      : event.kind == Event::Kind::result  ? heard_->hears.results
                                                           : heard_->hears.transitions;
  if (!wanted) return;
  try {
    heard_->listener(event);
  } catch (...) {  // the listener's own business
  }
}

}  // namespace fusewire::breaker
