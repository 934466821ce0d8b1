// SPDX-License-Identifier: Apache-2.0
// Verdicts: what came of a call.
#include "filters/breaker/core/breaker.hpp"

namespace fusewire::breaker {

using Result = Event::Result;

void Breaker::finish(const Permit& permit, Result result, FailureKind kind, Time now) noexcept {
  const CallContext here = context(now);
  count(here, result, kind);
  if (permit.unjudged_ || here.settings.mode == config::Mode::disabled) return;
  const StateWord word = load();
  if (word.generation() != permit.generation_) return;
  const auto failed = result == Result::failure ? std::optional(kind) : std::nullopt;
  if (word.state() == State::closed && result != Result::neutral)
    record(here, word, {.failed = failed, .was_slow = permit.slow_});
  if (word.state() != State::half_open || !permit.is_trial()) return;
  // A probe that turned slow has been judged; a verdict under an override is none.
  const bool decides = result != Result::neutral && !permit.slow_ && !current_override(here).is_set();
  if (decides && failed)
    probe_failed(here, word, permit.slot_, failed);
  else
    probe_ended(here, word, {.gives_back = permit.slot_, .succeeded = decides});
}

void Breaker::count(const CallContext& here, Result result, FailureKind kind) noexcept {
  std::atomic<std::uint64_t>& total = result == Result::success   ? counted_.success
                                      : result == Result::failure ? counted_.failure
                                                                  : counted_.neutral;
  total.fetch_add(1, std::memory_order_relaxed);
  if (heard_ && heard_->hears.results)
    emit({.kind = Event::Kind::result,
          .at = here.now,
          .generation = load().generation(),
          .result = result,
          .failure = kind});
}

// A call that ended in the closed generation `word`: into the windows and rows, then before the judge.
void Breaker::record(const CallContext& here, StateWord word, Ended call) noexcept {
  const Settings& settings = here.settings;
  const std::uint32_t generation = word.generation();
  const SlidingWindow::Moment moment = settings.window->at(generation, here.at);
  settings.window->add_ended(moment, call.failed.has_value());
  if (settings.judges_slowness() && !call.was_slow) settings.window->add_judged(moment, false);
  if (call.failed && settings.failure_window != nullptr) settings.failure_window->add(generation, here.at);
  const Rows rows = update_rows(here, generation, call);
  if (current_override(here).is_set()) return;
  const std::uint64_t failures =
      settings.failure_window == nullptr ? 0 : settings.failure_window->count(generation, here.at);
  auto cause = TripPolicy(settings).judge_ended(rows, failures, moment);
  if (!cause) return;
  cause->failure = call.failed;
  trip(here, word, *cause);
}

// A stream that breaks off after it was settled says little of requests now: it neither adds to a row nor ends one.
// A slow call has been added when it turned slow; only a success that never was ends the row of slow ones.
Rows Breaker::update_rows(const CallContext& here, std::uint32_t generation, Ended call) noexcept {
  Streak& failures = counted_.failures;
  Streak& slow_calls = counted_.slow_calls;
  Rows rows;
  rows.failures = call.broke_off ? failures.begun(generation)
                  : call.failed  ? failures.add(generation, here.at)
                                 : failures.interrupt(generation);
  if (here.settings.judges_slowness())
    rows.slow_calls = call.failed || call.was_slow ? slow_calls.begun(generation) : slow_calls.interrupt(generation);
  return rows;
}

// Of a closed breaker whose permits are judged.
bool Breaker::is_silent(const Permit& permit, Time now) noexcept {
  const CallContext here = context(now);
  const StateWord word = load();
  if (word.state() != State::closed || word.generation() != permit.generation_ || permit.unjudged_) return false;
  return silence_.covers(context(permit.admitted_).at, answered_calls(), here.at);
}

std::uint64_t Breaker::answered_calls() const noexcept {
  return counted_.success.load(std::memory_order_relaxed) + counted_.failure.load(std::memory_order_relaxed);
}

// Returns whether the call is now a slow one: not where slowness is not looked for.
bool Breaker::turned_slow(const Permit& permit, Time now) noexcept {
  const CallContext here = context(now);
  if (!here.settings.judges_slowness()) return false;
  StateWord word = load();
  if (word.generation() != permit.generation_ || here.settings.mode == config::Mode::disabled) return true;
  const bool frozen = current_override(here).is_set();
  if (word.state() == State::closed) {
    const SlidingWindow::Moment moment = here.settings.window->at(word.generation(), here.at);
    counted_.failures.begun(word.generation());
    here.settings.window->add_judged(moment, true);
    const Streak::Value row = counted_.slow_calls.add(word.generation(), here.at);
    if (frozen) return true;
    if (const auto cause = TripPolicy(here.settings).judge_slow(row, moment)) trip(here, word, *cause);
  } else if (word.state() == State::half_open && permit.is_trial() && !frozen) {
    probe_failed(here, word, false, std::nullopt);
  }
  return true;
}

void Breaker::give_back_early(std::uint32_t generation, Room room, Time now) noexcept {
  const StateWord word = load();
  if (word.state() != State::half_open || word.generation() != generation) return;
  if (room == Room::one_more) made_room_.add(generation);
  probe_ended(context(now), word, {.gives_back = true});
}

void Breaker::probe_ended(const CallContext& here, StateWord word, Probe probe) noexcept {
  const std::uint32_t generation = word.generation();
  while (word.generation() == generation) {
    StateWord::Probes probes = word.probes();
    if (probe.gives_back) --probes.in_flight;
    if (probe.succeeded) ++probes.successes;
    const StateWord from = word;
    const bool closes = probe.succeeded && probes.successes >= here.settings.success_threshold;
    const StateWord to = closes ? StateWord::closed(word.next_generation(), word.row())
                                : StateWord::half_open(generation, word.row(), probes);
    if (!exchange(word, to)) continue;
    if (closes) on_transition(here, from, to);
    return;
  }
}

void Breaker::probe_failed(const CallContext& here, StateWord word, bool gives_back,
                           std::optional<FailureKind> failure) noexcept {
  const std::uint32_t generation = word.generation();
  const std::uint32_t enough = here.settings.probe_failures();
  while (word.generation() == generation) {
    StateWord::Probes probes = word.probes();
    ++probes.failures;
    if (gives_back) --probes.in_flight;
    const Cause cause{Reason::probe_failed, static_cast<double>(probes.failures), static_cast<double>(enough), failure};
    if (probes.failures >= enough ? trip(here, word, cause)
                                  : exchange(word, StateWord::half_open(generation, word.row(), probes)))
      return;
  }
}

void Breaker::broke_off(const Permit& permit, FailureKind kind, Time now) noexcept {
  if (permit.generation_ != load().generation()) return;
  if (permit.unjudged_)
    count(context(now), Result::failure, kind);
  else
    broke_off(permit.generation_, permit.is_trial(), kind, now);
}

void Breaker::broke_off(std::uint32_t generation, FailureKind kind, Time now) noexcept {
  broke_off(generation, true, kind, now);
}

void Breaker::broke_off(std::uint32_t generation, bool probed, FailureKind kind, Time now) noexcept {
  const CallContext here = context(now);
  const StateWord word = load();
  if (word.generation() != generation) return;
  count(here, Result::failure, kind);
  if (here.settings.mode == config::Mode::disabled) return;
  if (word.state() == State::closed) record(here, word, {.failed = kind, .broke_off = true});
  if (word.state() == State::half_open && probed && !current_override(here).is_set())
    probe_failed(here, word, false, kind);
}

}  // namespace fusewire::breaker
