// SPDX-License-Identifier: Apache-2.0
#include "tests/unit/proxy/request/schedules/breaker_witness.hpp"

#include <algorithm>
#include <cmath>
#include <utility>

namespace fusewire::testing {

namespace {

using breaker::Event;
using breaker::Rejection;
using breaker::testing::Rules;

BreakerWitness* witness = nullptr;

int whole(milliseconds time) { return static_cast<int>(time.count()); }
int permille(double share) { return static_cast<int>(std::lround(share * 1000)); }

// The other way round than Rules::as_config().
Rules rules_of(const config::CircuitBreaker& from) {
  Rules to;
  to.mode = from.mode;
  const auto& detection = from.detection;
  const auto row = [](const auto& consecutive, int& threshold, double& chance) {
    threshold = consecutive ? static_cast<int>(consecutive->threshold) : 0;
    chance = consecutive ? consecutive->chance.value_or(0) : 0;
  };
  row(detection.consecutive_failures, to.consecutive, to.consecutive_chance);
  row(detection.consecutive_slow_calls, to.consecutive_slow, to.consecutive_slow_chance);
  to.failure_count = detection.failure_count ? static_cast<int>(detection.failure_count->threshold) : 0;
  if (detection.failure_count) to.failure_count_window = whole(detection.failure_count->window);
  to.failure_permille = permille(detection.failure_rate.value_or(0));
  to.slow_permille = detection.slow_call_rate ? permille(detection.slow_call_rate->threshold) : 0;
  to.time_based = detection.window.type == config::WindowType::time_based;
  to.duration = whole(detection.window.duration);
  to.size = static_cast<int>(detection.window.size);
  to.minimum_calls = static_cast<int>(detection.minimum_calls);
  to.open_timeout = whole(from.transitions.open_timeout);
  to.multiplier_halves = static_cast<int>(std::lround(from.transitions.backoff.multiplier * 2));
  to.backoff_max = whole(from.transitions.backoff.max);
  to.half_open_max_calls = static_cast<int>(from.recovery.half_open_max_calls);
  to.success_threshold = static_cast<int>(from.recovery.success_threshold);
  to.strict = from.recovery.strict_mode;
  to.max_half_open = whole(from.recovery.max_half_open);
  to.ramp = from.recovery.ramp ? whole(from.recovery.ramp->duration) : 0;
  return to;
}

}  // namespace

BreakerWitness::BreakerWitness(std::vector<std::string>& findings) : findings_(findings) { witness = this; }
BreakerWitness::~BreakerWitness() { witness = nullptr; }
BreakerWitness* BreakerWitness::current() { return witness; }

BreakerWitness::Seen::Seen(const Breaker& breaker, const config::CircuitBreaker& settings, Time now)
    : real(breaker), model(rules_of(settings)), made(now), latest(now) {}

// What falls due is reported with the time that it was due: a little back now and then.
BreakerWitness::Model& BreakerWitness::Seen::at(Time now) {
  const std::int64_t ms = std::chrono::floor<milliseconds>(now - made).count();
  model.advance(ms - model_now);
  model_now = ms;
  latest = std::max(latest, now);
  return model;
}

BreakerWitness::Seen* BreakerWitness::find(const Breaker& breaker) {
  const auto found = seen_.find(&breaker);
  return found == seen_.end() ? nullptr : found->second.get();
}

BreakerWitness::Held* BreakerWitness::find(const Permit& permit) {
  const auto found = held_.find(&permit);
  return found == held_.end() ? nullptr : &found->second;
}

void BreakerWitness::differs(Seen& seen, const std::string& how) {
  if (std::exchange(seen.differs, true)) return;
  findings_.push_back("breaker " + std::to_string(seen.number) + ": " + how);
}

void BreakerWitness::compare(Seen& seen, const std::string& what) {
  if (seen.differs) return;
  const std::string real = breaker::testing::text(seen.real.snapshot(seen.made + milliseconds(seen.model_now)));
  const std::string modelled = seen.model.text();
  if (real != modelled) differs(seen, what + "\n  real:  " + real + "\n  model: " + modelled);
}

std::uint64_t BreakerWitness::trips() const {
  std::uint64_t sum = 0;
  for (const auto& [address, seen] : seen_) sum += seen->real.snapshot(seen->latest).totals.trips;
  return sum;
}

std::uint64_t BreakerWitness::judged(const Breaker& breaker) {
  const Seen* const seen = find(breaker);
  return seen == nullptr ? 0 : seen->judged;
}

void BreakerWitness::check_quiet(Time now) {
  for (const auto& [permit, held] : held_)
    if (!held.succeeded) differs(*held.of, "a permit is left");
  for (const auto& [address, seen] : seen_) {
    seen->at(std::max(now, seen->latest));
    compare(*seen, "at a quiet point");
    const breaker::Snapshot shown = seen->real.snapshot(now);
    if (shown.half_open.in_flight != 0) differs(*seen, "a half-open slot is held");
    const breaker::Totals& t = shown.totals;
    const std::uint64_t counted = t.success + t.failure + t.neutral + t.rejected;
    if (counted != seen->asked - seen->withdrawn + seen->broke_off)
      differs(*seen, "counted " + std::to_string(counted) + " of " + std::to_string(seen->asked) + " calls, " +
                         std::to_string(seen->withdrawn) + " withdrawn, " + std::to_string(seen->broke_off) +
                         " broken off later");
  }
}

// ------------------------------------------------------------------------------------------------------ events

void BreakerWitness::made(const Breaker& breaker, const config::CircuitBreaker& settings, Time now) {
  auto& seen = seen_[&breaker] = std::make_unique<Seen>(breaker, settings, now);
  seen->number = ++breakers_;
}

void BreakerWitness::answered(Breaker& breaker, const std::variant<Permit, Rejection>& answer, Time now) {
  Seen* const seen = find(breaker);
  if (seen == nullptr) return;
  ++calls_;
  ++seen->asked;
  const Model::Answer modelled = seen->at(now).acquire();
  if (const auto* rejection = std::get_if<Rejection>(&answer)) {
    const std::int64_t left = rejection->retry_after ? rejection->retry_after->count() : -1;
    if (modelled.permit) return differs(*seen, "rejected a call, but modelled a permit");
    if (rejection->by != modelled.by || left != modelled.retry_after) differs(*seen, "another rejection");
    return compare(*seen, "after a rejection");
  }
  const Permit& permit = std::get<Permit>(answer);
  if (!modelled.permit) return differs(*seen, "admitted a call, but modelled a rejection");
  if (permit.unjudged() != modelled.permit->unjudged || permit.holds_slot() != modelled.permit->slot)
    differs(*seen, "another permit");
  held_[&permit] = {seen, *modelled.permit};
  compare(*seen, "after an admission");
}

void BreakerWitness::moved(const Permit& from, const Permit& to) {
  held_.erase(&to);
  const auto found = held_.find(&from);
  if (found == held_.end()) return;
  held_[&to] = found->second;
  held_.erase(&from);
}

void BreakerWitness::ends(const Permit& permit, Event::Result result, Time now) {
  Held* const held = find(permit);
  if (held == nullptr) return;
  if (held->succeeded) return;  // its end has come, and it does nothing
  held->permit.unjudged = permit.unjudged();
  Seen& seen = *held->of;
  seen.at(now).end(held->permit, result);
  if (result != Event::Result::neutral) ++seen.judged;
  if (result == Event::Result::success)
    held->succeeded = true;
  else
    held_.erase(&permit);
}

// It is what a permit's destructor is for, but no filter relies on it.
void BreakerWitness::dropped(const Permit& permit) {
  Held* const held = find(permit);
  if (held == nullptr) return;
  if (!held->succeeded) {
    differs(*held->of, "a permit was dropped without a verdict");
    ends(permit, Event::Result::neutral, held->of->latest);
  }
  held_.erase(&permit);
}

void BreakerWitness::turns_slow(const Permit& permit, Time now) {
  Held* const held = find(permit);
  if (held == nullptr || held->succeeded) return;
  held->permit.unjudged = permit.unjudged();
  held->of->at(now).turn_slow(held->permit);
}

void BreakerWitness::withdrawn(const Permit& permit, Time now) {
  Held* const held = find(permit);
  if (held == nullptr || held->succeeded) return;
  ++held->of->withdrawn;
  held->of->at(now).withdraw(held->permit);
  held_.erase(&permit);
}

void BreakerWitness::gave_slot_back(const Permit& permit, bool gave, Time now) {
  Held* const held = find(permit);
  if (held == nullptr || held->succeeded) return;
  if (held->of->at(now).give_back(held->permit) != gave) differs(*held->of, "a slot was given back otherwise");
}

std::uint64_t BreakerWitness::failures_of(const Permit& permit) {
  const Held* const held = find(permit);
  return held == nullptr ? 0 : held->of->real.snapshot(held->of->latest).totals.failure;
}

// Of a generation that is over it leaves no trace.
void BreakerWitness::broke_off(const Permit& permit, bool counted, std::uint64_t failures_before, Time now) {
  Held* const held = find(permit);
  if (held == nullptr) return;
  Seen& seen = *held->of;
  if (counted != held->succeeded) differs(seen, "a stream broke off otherwise");
  if (!counted) return;
  seen.broke_off += failures_of(permit) - failures_before;
  seen.at(now).break_off(held->permit);
  held_.erase(&permit);
}

void BreakerWitness::rejection_counted(const Breaker& breaker) {
  Seen* const seen = find(breaker);
  if (seen == nullptr) return;
  ++seen->asked;
  seen->model.count_rejection();
}

void BreakerWitness::interval_ended(const Breaker& breaker, bool ended, Time now) {
  Seen* const seen = find(breaker);
  if (seen == nullptr) return;
  if (seen->at(now).end_interval() != ended) differs(*seen, "an interval was ended otherwise");
}

void BreakerWitness::forced(const Breaker& breaker, breaker::Override kind, std::optional<milliseconds> for_,
                            Time now) {
  Seen* const seen = find(breaker);
  if (seen == nullptr) return;
  seen->at(now).force(kind, for_ ? std::optional<std::int64_t>(for_->count()) : std::nullopt);
}

void BreakerWitness::released(const Breaker& breaker, Time now) {
  if (Seen* const seen = find(breaker)) seen->at(now).release();
}

void BreakerWitness::was_reset(const Breaker& breaker, Time now) {
  if (Seen* const seen = find(breaker)) seen->at(now).reset();
}

void BreakerWitness::reconfigured(const Breaker& breaker, const config::CircuitBreaker& settings,
                                  const breaker::Reconfigured& what, Time now) {
  Seen* const seen = find(breaker);
  if (seen == nullptr) return;
  const Model::Emptied emptied = seen->at(now).reload(rules_of(settings));
  if (emptied.window != what.window_emptied || emptied.failure_count != what.failure_count_emptied)
    differs(*seen, "a reload emptied something else");
  compare(*seen, "after a reload");
}

}  // namespace fusewire::testing
