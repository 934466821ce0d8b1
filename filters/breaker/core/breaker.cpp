// SPDX-License-Identifier: Apache-2.0
// Admission: which calls may be made.
#include "filters/breaker/core/breaker.hpp"

#include <algorithm>

namespace fusewire::breaker {

Breaker::Breaker(const config::CircuitBreaker& config, Time now, std::uint64_t seed) : made_(now), seed_(seed) {
  Reconfigured first;
  settings_.store(&adopt(compile(config), config, first), std::memory_order_release);
}

Breaker::~Breaker() = default;

Breaker::CallContext Breaker::context(Time now) const noexcept {
  const auto age = std::chrono::floor<milliseconds>(now - made_).count();
  return {*settings_.load(std::memory_order_acquire), now, std::max<Millis>(0, age)};
}

// In either case `word` is then what is there.
bool Breaker::exchange(StateWord& word, StateWord wanted) noexcept {
  std::uint64_t bits = word.bits();
  const bool won = word_.compare_exchange_strong(bits, wanted.bits(), std::memory_order_acq_rel);
  word = won ? wanted : StateWord(bits);
  return won;
}

Breaker::Answer Breaker::try_acquire(Time now) noexcept {
  const CallContext here = context(now);
  if (here.settings.mode == config::Mode::disabled) return unjudged(here);
  if (const OverrideWord forced = current_override(here); forced.is_set()) return acquire_overridden(here, forced);
  const StateWord word = load();
  if (word.state() == State::closed && here.settings.ramp == 0) return permit(here, word);
  return acquire_by_state(here, word);
}

// The first call that sees an expired override removes it and emits one event.
OverrideWord Breaker::current_override(const CallContext& here) noexcept {
  OverrideWord word = override_.load(std::memory_order_acquire);
  while (word.is_set() && word.is_over(here.at)) {
    if (!override_.compare_exchange_strong(word, OverrideWord(), std::memory_order_acq_rel)) continue;
    emit({.kind = Event::Kind::override_ended,
          .at = here.now,
          .generation = load().generation(),
          .override_state = word.kind()});
    return {};
  }
  return word;
}

Breaker::Answer Breaker::acquire_overridden(const CallContext& here, OverrideWord word) noexcept {
  if (word.kind() == Override::forced_closed) return permit(here, load());
  return refuse(here, {RejectedBy::forced_open, word.left(here.at)});
}

Breaker::Answer Breaker::acquire_by_state(const CallContext& here, StateWord word) noexcept {
  for (;;) {
    if (word.state() == State::closed) return acquire_closed(here, word);
    if (here.settings.active_probe) return refuse(here, why_not(here, word));
    auto answer = acquire_slot(here, word);
    if (!answer) continue;
    if (const auto* rejection = std::get_if<Rejection>(&*answer)) return refuse(here, *rejection);
    return *std::move(answer);
  }
}

std::optional<Permit> Breaker::try_acquire_probe(Time now) noexcept {
  const CallContext here = context(now);
  if (here.settings.mode == config::Mode::disabled || current_override(here).is_set()) return std::nullopt;
  for (StateWord word = load(); word.state() != State::closed;) {
    auto answer = acquire_slot(here, word);
    if (!answer) continue;
    if (auto* slot = std::get_if<Permit>(&*answer)) return std::move(*slot);
    break;
  }
  return std::nullopt;
}

// Nothing: the word has changed, and is what is there now.
std::optional<Breaker::Answer> Breaker::acquire_slot(const CallContext& here, StateWord& word) noexcept {
  if (word.state() == State::open) {
    if (left(word, here.at) > 0) return why_not(here, word);
    if (half_open(here, word)) return permit(here, word, true);
  } else if (word.probes().in_flight < slots(here, word)) {
    if (take_slot(here, word)) return permit(here, word, true);
  } else {
    const Millis idle = waited(here, word);
    const Millis patience = here.settings.max_half_open;
    if (idle < patience) return why_not(here, word);
    const Cause cause{Reason::half_open_timeout, static_cast<double>(idle), static_cast<double>(patience)};
    if (trip(here, word, cause)) return why_not(here, word);
  }
  return std::nullopt;
}

Rejection Breaker::why_not(const CallContext& here, StateWord word) const noexcept {
  if (word.state() == State::open) return {RejectedBy::open, milliseconds(left(word, here.at))};
  return {RejectedBy::half_open, milliseconds(0)};
}

Breaker::Answer Breaker::acquire_closed(const CallContext& here, StateWord word) noexcept {
  const auto share = ramp_share(here, word);
  if (!share || ramp_.admit(word.generation(), *share)) return permit(here, word);
  return refuse(here, {RejectedBy::ramp, milliseconds(0)});
}

// While recovery.ramp runs. A closed word has no row of trips unless trials have closed it: a new breaker and a reset
// begin with 0.
std::optional<RampShare> Breaker::ramp_share(const CallContext& here, StateWord word) const noexcept {
  if (here.settings.ramp == 0 || word.row() == 0) return std::nullopt;
  const Millis since = since_.of(word.generation());
  const RampShare share(since < 0 ? here.at : since, here.settings.ramp, here.at);
  return share.is_all() ? std::nullopt : std::optional(share);
}

// The first arrival after the interval makes the transition and takes the first slot in one step.
bool Breaker::half_open(const CallContext& here, StateWord& word) noexcept {
  const StateWord from = word;
  admission_.publish(from.next_generation(), here.at);
  const StateWord to = StateWord::half_open(from.next_generation(), from.row(), {.in_flight = 1, .admissions = 1});
  if (!exchange(word, to)) return false;
  on_transition(here, from, to);
  return true;
}

// The time is published first: a thread that finds the slot taken finds the time, too.
bool Breaker::take_slot(const CallContext& here, StateWord& word) noexcept {
  StateWord::Probes probes = word.probes();
  ++probes.in_flight;
  ++probes.admissions;
  admission_.publish(word.generation(), here.at);
  return exchange(word, StateWord::half_open(word.generation(), word.row(), probes));
}

// How many trials may be in flight at once.
std::uint32_t Breaker::slots(const CallContext& here, StateWord word) const noexcept {
  const std::uint64_t room = here.settings.half_open_max_calls + made_room_.of(word.generation());
  return static_cast<std::uint32_t>(std::min<std::uint64_t>(room, StateWord::kMaxCount));
}

// Since the last admission, all slots being held.
Millis Breaker::waited(const CallContext& here, StateWord word) const noexcept {
  const Millis last = admission_.of(word.generation());
  return last < 0 ? 0 : std::max<Millis>(0, here.at - last);
}

Permit Breaker::permit(const CallContext& here, StateWord word, bool slot) noexcept {
  return Permit(*this, word.generation(), slot, false, here.now);
}

Permit Breaker::unjudged(const CallContext& here) noexcept {
  return Permit(*this, load().generation(), false, true, here.now);
}

// In shadow mode what would be rejected goes through, counted as such.
Breaker::Answer Breaker::refuse(const CallContext& here, Rejection rejection) noexcept {
  const bool shadow = here.settings.mode == config::Mode::shadow;
  (shadow ? would_reject_ : counted_.rejected).fetch_add(1, std::memory_order_relaxed);
  if (heard_ && heard_->hears.rejections)
    emit({.kind = Event::Kind::rejection,
          .at = here.now,
          .generation = load().generation(),
          .rejection = rejection,
          .would = shadow});
  if (shadow) return unjudged(here);
  return rejection;
}

bool Breaker::available(Time now) const noexcept {
  const CallContext here = context(now);
  if (here.settings.mode != config::Mode::enforce) return true;
  const Override kind = override_.load(std::memory_order_acquire).at(here.at);
  if (kind != Override::none) return kind == Override::forced_closed;
  const StateWord word = load();
  if (word.state() == State::closed) return true;
  if (here.settings.active_probe) return false;
  if (word.state() == State::open) return left(word, here.at) == 0;
  return word.probes().in_flight < slots(here, word);
}

bool Breaker::is_forced_open(Time now) const noexcept {
  const CallContext here = context(now);
  return here.settings.mode == config::Mode::enforce &&
         override_.load(std::memory_order_acquire).at(here.at) == Override::forced_open;
}

bool Breaker::wants_trial(Time now) const noexcept {
  const CallContext here = context(now);
  const StateWord word = load();
  if (word.state() == State::closed || here.settings.mode != config::Mode::enforce) return false;
  if (here.settings.active_probe) return false;
  if (override_.load(std::memory_order_acquire).at(here.at) != Override::none) return false;
  if (word.state() == State::open) return left(word, here.at) == 0;
  return word.probes().in_flight < slots(here, word) || waited(here, word) >= Millis{here.settings.max_half_open};
}

bool Breaker::can_end_interval(Time now) const noexcept {
  const CallContext here = context(now);
  if (here.settings.mode != config::Mode::enforce || here.settings.active_probe) return false;
  return override_.load(std::memory_order_acquire).at(here.at) == Override::none && load().state() == State::open;
}

bool Breaker::end_interval(Time now) noexcept {
  if (!can_end_interval(now)) return false;
  const CallContext here = context(now);
  StateWord word = load();
  while (word.state() == State::open) {
    const StateWord from = word;
    const StateWord to = StateWord::half_open(from.next_generation(), from.row(), {.early = true});
    if (!exchange(word, to)) continue;
    on_transition(here, from, to);
    return true;
  }
  return false;
}

std::optional<milliseconds> Breaker::retry_after(Time now) const noexcept {
  const CallContext here = context(now);
  const OverrideWord forced = override_.load(std::memory_order_acquire);
  const Override kind = forced.at(here.at);
  if (kind == Override::forced_open) return forced.left(here.at);
  const StateWord word = load();
  return milliseconds(kind == Override::none && word.state() == State::open ? left(word, here.at) : 0);
}

bool Breaker::still_closed(std::uint32_t generation, Time now) const noexcept {
  const CallContext here = context(now);
  if (here.settings.mode != config::Mode::enforce) return true;
  const Override kind = override_.load(std::memory_order_acquire).at(here.at);
  if (kind != Override::none) return kind == Override::forced_closed;
  const StateWord word = load();
  return word.state() == State::closed && word.generation() == generation;
}

}  // namespace fusewire::breaker
