// SPDX-License-Identifier: Apache-2.0
// What the control thread does: overrides, reset, reload.
#include "filters/breaker/core/breaker.hpp"

#include <algorithm>
#include <utility>

namespace fusewire::breaker {

void Breaker::force_open(Time now, std::optional<milliseconds> for_) { force(Override::forced_open, now, for_); }

void Breaker::force_closed(Time now, std::optional<milliseconds> for_) { force(Override::forced_closed, now, for_); }

void Breaker::force(Override kind, Time now, std::optional<milliseconds> for_) {
  constexpr Millis kLongest = Millis{1} << 60;
  const std::lock_guard lock(control_);
  const CallContext here = context(now);
  current_override(here);  // one that is over has ended by itself, not been replaced
  std::optional<Millis> end;
  if (for_) end = here.at + std::clamp<Millis>(for_->count(), 0, kLongest);
  override_set_at_.store(here.at, std::memory_order_relaxed);
  override_.store(OverrideWord(kind, end), std::memory_order_release);
  emit({.kind = Event::Kind::override_set,
        .at = now,
        .generation = load().generation(),
        .override_state = kind,
        .override_for = for_});
}

void Breaker::release(Time now) {
  const std::lock_guard lock(control_);
  end_override(context(now));
}

void Breaker::end_override(const CallContext& here) {
  const OverrideWord before = override_.exchange(OverrideWord(), std::memory_order_acq_rel);
  if (!before.is_set()) return;
  emit({.kind = Event::Kind::override_ended,
        .at = here.now,
        .generation = load().generation(),
        .override_state = before.kind()});
}

void Breaker::reset(Time now) {
  const std::lock_guard lock(control_);
  reset_locked(context(now));
}

void Breaker::reset_locked(const CallContext& here) {
  end_override(here);
  StateWord word = load();
  StateWord from;
  do {
    from = word;
  } while (!exchange(word, StateWord::closed(from.next_generation(), 0)));
  counted_.failures.begun(word.generation());
  on_transition(here, from, word);
  emit({.kind = Event::Kind::reset, .at = here.now, .generation = word.generation(), .from = from.state()});
}

Reconfigured Breaker::reconfigure(const config::CircuitBreaker& config, Time now) {
  const std::lock_guard lock(control_);
  const Settings& before = *settings_.load(std::memory_order_acquire);
  Reconfigured result;
  const Settings& after = adopt(compile(config), config, result);
  result.changed = &after != &before;
  result.reset = (before.mode == config::Mode::disabled) != (after.mode == config::Mode::disabled);
  // While slowness is not judged there is no row of slow calls: what is left of an earlier one ends here.
  if (!before.judges_slowness()) counted_.slow_calls.interrupt(counted_.slow_calls.read().generation);
  settings_.store(&after, std::memory_order_release);
  if (result.reset) reset_locked(context(now));
  return result;
}

// Gives the settings their windows (the present ones where the shape is the same, else empty ones) and keeps them.
const Settings& Breaker::adopt(Settings settings, const config::CircuitBreaker& config, Reconfigured& result) {
  const Settings* before = settings_.load(std::memory_order_acquire);
  const config::Window& shape = config.detection.window;
  settings.window = windows_.find([&](const SlidingWindow& window) { return window.has_shape(shape); });
  if (settings.window == nullptr) settings.window = &windows_.add(shape);
  result.window_emptied = before != nullptr && before->window != settings.window;
  if (result.window_emptied) settings.window->empty();

  if (const auto& failure_count = config.detection.failure_count) {
    const milliseconds span = failure_count->window;
    settings.failure_window =
        failure_windows_.find([&](const FailureWindow& window) { return window.has_shape(span); });
    if (settings.failure_window == nullptr) settings.failure_window = &failure_windows_.add(span);
    result.failure_count_emptied = before != nullptr && before->failure_window != settings.failure_window;
    if (result.failure_count_emptied) settings.failure_window->empty();
  }
  if (const Settings* same = all_settings_.find([&](const Settings& known) { return known == settings; })) return *same;
  return all_settings_.add(settings);
}

void Breaker::listen(Listener listener, Subscription hears) {
  heard_ = std::make_unique<const Subscriber>(Subscriber{std::move(listener), hears});
}

}  // namespace fusewire::breaker
