// SPDX-License-Identifier: Apache-2.0
#include "tests/unit/filters/breaker/reference_model.hpp"

#include <algorithm>

namespace fusewire::breaker::testing {

namespace {

std::optional<config::Consecutive> row(int threshold, double chance) {
  if (threshold == 0) return std::nullopt;
  config::Consecutive to{.threshold = static_cast<std::uint32_t>(threshold), .chance = std::nullopt};
  if (chance != 0) to.chance = chance;
  return to;
}

}  // namespace

config::CircuitBreaker Rules::as_config() const {
  config::CircuitBreaker to;
  to.mode = mode;
  to.detection.consecutive_failures = row(consecutive, consecutive_chance);
  to.detection.consecutive_slow_calls = row(consecutive_slow, consecutive_slow_chance);
  to.detection.failure_count.reset();
  if (failure_count != 0)
    to.detection.failure_count = {static_cast<std::uint32_t>(failure_count), milliseconds(failure_count_window)};
  to.detection.failure_rate.reset();
  if (failure_permille != 0) to.detection.failure_rate = failure_permille / 1000.0;
  to.detection.slow_call_rate.reset();
  if (slow_permille != 0) to.detection.slow_call_rate = config::SlowCallRate{.threshold = slow_permille / 1000.0};
  to.detection.window.type = time_based ? config::WindowType::time_based : config::WindowType::count_based;
  to.detection.window.duration = milliseconds(duration);
  to.detection.window.size = static_cast<std::uint32_t>(size);
  to.detection.minimum_calls = static_cast<std::uint32_t>(minimum_calls);
  to.transitions.open_timeout = milliseconds(open_timeout);
  to.transitions.backoff = {multiplier_halves / 2.0, milliseconds(backoff_max), 0};
  to.recovery.half_open_max_calls = static_cast<std::uint32_t>(half_open_max_calls);
  to.recovery.success_threshold = static_cast<std::uint32_t>(success_threshold);
  to.recovery.strict_mode = strict;
  to.recovery.max_half_open = milliseconds(max_half_open);
  if (ramp != 0) to.recovery.ramp = fusewire::config::Ramp{milliseconds(ramp)};
  return to;
}

Override ReferenceModel::forced() const { return forced_until_ && now_ >= *forced_until_ ? Override::none : forced_; }

ReferenceModel::Answer ReferenceModel::acquire() {
  if (rules_.mode == config::Mode::disabled) return {Permit{.generation = generation_, .unjudged = true}};
  if (forced() == Override::forced_closed) return {Permit{.generation = generation_}};
  if (forced() == Override::forced_open)
    return refuse(RejectedBy::forced_open, forced_until_ ? *forced_until_ - now_ : -1);
  if (state_ == State::closed && !admits_by_ramp()) return refuse(RejectedBy::ramp, 0);
  if (state_ == State::closed) return {Permit{.generation = generation_}};
  if (state_ == State::open) {
    if (left() > 0) return refuse(RejectedBy::open, left());
    begin(State::half_open);
  }
  if (in_flight_ < slots()) {
    ++in_flight_;
    last_admission_ = now_;
    return {Permit{.generation = generation_, .slot = true}};
  }
  if (now_ - last_admission_ < rules_.max_half_open) return refuse(RejectedBy::half_open, 0);
  trip(Reason::half_open_timeout);
  return refuse(RejectedBy::open, left());
}

// At t ms of a ramp of d, each call brings (d + 9 t) of the 10 d that an admission costs.
bool ReferenceModel::admits_by_ramp() {
  const std::int64_t t = now_ - since_;
  const std::int64_t d = rules_.ramp;
  if (!recovered_ || t >= d) return true;
  const std::int64_t brings = is(Mutation::ramp_begins_at_nothing) ? 10 * t : d + 9 * t;
  if (!credit_ && !is(Mutation::ramp_refuses_the_first)) {
    credit_ = 0;
    return true;
  }
  credit_ = std::min(credit_.value_or(0), 10 * d - 1) + brings;
  if (*credit_ < 10 * d) return false;
  *credit_ -= 10 * d;
  return true;
}

int ReferenceModel::slots() const { return std::min(127, rules_.half_open_max_calls + room_); }

void ReferenceModel::count_rejection() {
  if (const Answer answer = refuse(RejectedBy::open, 0); answer.permit) end(*answer.permit, Result::neutral);
}

bool ReferenceModel::end_interval() {
  if (rules_.mode != config::Mode::enforce || forced() != Override::none || state_ != State::open) return false;
  begin(State::half_open);
  early_ = true;
  return true;
}

ReferenceModel::Answer ReferenceModel::refuse(RejectedBy by, std::int64_t retry_after) {
  if (rules_.mode == config::Mode::shadow) {
    ++totals_.would_reject;
    return {Permit{.generation = generation_, .unjudged = true}};
  }
  ++totals_.rejected;
  return {std::nullopt, by, retry_after};
}

void ReferenceModel::end(const Permit& permit, Result result) {
  if (result == Result::success) ++totals_.success;
  if (result == Result::failure) ++totals_.failure;
  if (result == Result::neutral) ++totals_.neutral;
  if (permit.unjudged || permit.generation != generation_) return;
  if (state_ == State::closed && result != Result::neutral) record(result == Result::failure, permit.slow, false);
  if (is(Mutation::neutral_ends_the_row) && result == Result::neutral) failing_ = {};
  if (state_ != State::half_open || !(permit.slot || permit.gave_back)) return;
  if (permit.slot) --in_flight_;
  if (result == Result::neutral || permit.slow || forced() != Override::none) return;
  if (result == Result::failure) return fail_probe();
  if (++successes_ >= rules_.success_threshold) begin(State::closed);
}

void ReferenceModel::turn_slow(Permit& permit) {
  if (permit.slow || permit.unjudged || rules_.slow_permille == 0) return;
  permit.slow = true;
  if (permit.generation != generation_) return;
  if (state_ == State::half_open && is(Mutation::slow_row_in_half_open)) go_on(slow_);
  if (state_ == State::closed) {
    judged_.push_back({now_, true});
    forget_old(judged_, rules_.time_based, rules_.duration);
    go_on(slow_);
    judge(true);
  } else if (state_ == State::half_open && (permit.slot || permit.gave_back) && forced() == Override::none) {
    fail_probe();
  }
}

void ReferenceModel::break_off(const Permit& permit) {
  if (permit.generation != generation_) return;
  ++totals_.failure;
  if (permit.unjudged) return;
  if (state_ == State::closed)
    record(true, false, true);
  else if (state_ == State::half_open && (permit.slot || permit.gave_back) && forced() == Override::none)
    fail_probe();
}

bool ReferenceModel::give_back(Permit& permit) {
  if (!permit.slot) return false;
  const bool held = permit.generation == generation_ && state_ == State::half_open;
  permit.slot = false;
  permit.gave_back = true;
  if (is(Mutation::trial_without_slot_is_unjudged)) permit.unjudged = true;
  if (held && !is(Mutation::slot_stays_taken)) --in_flight_;
  const bool makes_room = !permit.slow || is(Mutation::slow_trial_makes_room);
  if (held && makes_room && !is(Mutation::given_back_slot_makes_no_room)) ++room_;
  return true;
}

void ReferenceModel::withdraw(Permit& permit) {
  if (is(Mutation::withdrawn_call_is_neutral)) return end(permit, Result::neutral);
  const int room = room_;
  give_back(permit);
  if (!is(Mutation::withdrawn_call_makes_room)) room_ = room;
}

void ReferenceModel::record(bool failed, bool was_slow, bool broke_off) {
  const bool judges_slowness = rules_.slow_permille != 0;
  ended_.push_back({now_, failed});
  forget_old(ended_, rules_.time_based, rules_.duration);
  if (judges_slowness && !was_slow) judged_.push_back({now_, false});
  forget_old(judged_, rules_.time_based, rules_.duration);
  if (rules_.failure_count != 0 && failed) counted_failures_.push_back({now_, true});
  forget_old(counted_failures_, true, rules_.failure_count_window);

  if (!failed || (broke_off && is(Mutation::broken_stream_ends_the_row))) failing_ = {};
  if (failed && (!broke_off || is(Mutation::broken_stream_in_the_row))) go_on(failing_);
  const bool ends_slow_row = !failed && (!was_slow || is(Mutation::slow_success_ends_the_slow_row));
  if (ends_slow_row || (failed && is(Mutation::failure_ends_the_slow_row))) slow_ = {};
  judge(false);
}

void ReferenceModel::go_on(Row& row) {
  if (row.calls == 0) row.first = now_;
  row.last = now_;
  ++row.calls;
}

void ReferenceModel::judge(bool slow_calls_only) {
  if (forced() != Override::none) return;
  const Rules& r = rules_;
  if (!slow_calls_only) {
    if (counts(failing_, r.consecutive, r.consecutive_chance, ended_)) return trip(Reason::consecutive_failures);
    if (r.failure_count != 0 && count_within(counted_failures_, r.failure_count_window).total >= r.failure_count)
      return trip(Reason::failure_count);
    if (reaches(count(ended_), r.failure_permille)) return trip(Reason::failure_rate);
  }
  if (r.slow_permille == 0) return;
  const bool by_rate = reaches(count(judged_), r.slow_permille);
  if (by_rate && is(Mutation::slow_rate_before_slow_row)) return trip(Reason::slow_call_rate);
  const bool row_is_judged = !slow_calls_only || !is(Mutation::slow_row_waits_for_a_result);
  if (row_is_judged && counts(slow_, r.consecutive_slow, r.consecutive_slow_chance, judged_))
    return trip(Reason::consecutive_slow_calls);
  if (by_rate) trip(Reason::slow_call_rate);
}

// "A row in a busy stream", sentence by sentence.
bool ReferenceModel::counts(const Row& row, int threshold, double chance, const Entries& entries) const {
  if (threshold == 0 || row.calls < threshold) return false;
  if (chance == 0 || is(Mutation::plain_counting_in_busy_streams)) return true;
  Count others = beside(row, entries);
  if (!is_busy(others.total)) return true;
  const std::int64_t end = is(Mutation::row_lasts_until_now) ? now_ : row.last;
  if (end - row.first < 10 && !is(Mutation::row_without_10_ms)) return false;
  if (is(Mutation::row_counts_itself)) others.total += row.calls;
  if (is(Mutation::row_is_part_of_its_share)) others = count(entries);
  if (is(Mutation::share_of_the_other_rate)) others.marked = count(&entries == &ended_ ? judged_ : ended_).marked;
  long double expected = is(Mutation::chance_of_one_row_only) ? 1 : others.total;
  for (int call = 0; call < row.calls; ++call)
    expected *= static_cast<long double>(others.marked) / static_cast<long double>(others.total);
  return expected < static_cast<long double>(chance);
}

// The window without the row, whose calls are the newest that failed (were slow).
ReferenceModel::Count ReferenceModel::beside(const Row& row, const Entries& entries) const {
  Entries others;
  int own = row.calls;
  for (std::size_t i = entries.size(); i-- > 0;) {
    const Entry& entry = entries[i];
    const bool is_own = entry.marked && own > 0;
    if (is_own) --own;
    others.push_front({entry.at, entry.marked, is_own});
  }
  Count in_window;
  const auto size = static_cast<std::size_t>(rules_.size);
  for (std::size_t i = !rules_.time_based && others.size() > size ? others.size() - size : 0; i < others.size(); ++i) {
    if (others[i].is_own || (rules_.time_based && !is_within(others[i], rules_.duration))) continue;
    ++in_window.total;
    in_window.marked += others[i].marked ? 1 : 0;
  }
  return in_window;
}

bool ReferenceModel::is_busy(int beside) const {
  if (is(Mutation::quiet_streams_are_busy) && beside > 0) return true;
  if (rules_.time_based || is(Mutation::count_windows_are_busy_at_100)) return beside >= 100;
  return beside >= 100 || 2 * beside >= rules_.size;
}

bool ReferenceModel::reaches(const Count& count, int permille) const {
  return permille != 0 && count.total >= rules_.minimum_calls && count.marked * 1000 >= permille * count.total;
}

void ReferenceModel::fail_probe() {
  ++failures_;
  if (rules_.strict || failures_ >= rules_.half_open_max_calls) trip(Reason::probe_failed);
}

void ReferenceModel::trip(Reason reason) {
  const std::int64_t long_enough = std::max<std::int64_t>(last_interval_, rules_.time_based ? rules_.duration : 0);
  const bool fresh = state_ == State::closed && now_ - since_ > long_enough;
  if (!(state_ == State::half_open && early_)) row_ = fresh ? 1 : row_ + 1;
  last_interval_ = open_interval();
  deadline_ = now_ + last_interval_;
  ++totals_.trips;
  last_trip_ = reason;
  begin(State::open);
}

std::int64_t ReferenceModel::open_interval() const {
  const std::int64_t cap = std::max(rules_.backoff_max, rules_.open_timeout);
  std::int64_t halves_up = rules_.open_timeout;
  std::int64_t halves_down = 1;
  for (int trips = 1; trips < row_ && halves_up < cap * halves_down && rules_.multiplier_halves > 2; ++trips) {
    halves_up *= rules_.multiplier_halves;
    halves_down *= 2;
  }
  return std::min(cap, halves_up / halves_down);
}

void ReferenceModel::begin(State state) {
  recovered_ = state == State::closed && state_ == State::half_open;
  if (!is(Mutation::ramp_goes_on_where_the_last_one_ended)) credit_.reset();
  state_ = state;
  ++generation_;
  since_ = now_;
  in_flight_ = successes_ = failures_ = 0;
  early_ = false;
  if (!is(Mutation::room_outlives_its_half_open)) room_ = 0;
  if (state != State::closed) return;
  ended_.clear();
  judged_.clear();
  counted_failures_.clear();
  failing_ = {};
  slow_ = {};
}

void ReferenceModel::force(Override kind, std::optional<std::int64_t> for_ms) {
  forced_ = kind;
  forced_until_.reset();
  if (for_ms) forced_until_ = now_ + *for_ms;
}

void ReferenceModel::reset() {
  release();
  begin(State::closed);
  row_ = 0;
  last_interval_ = 0;
  recovered_ = is(Mutation::reset_ramps);
}

ReferenceModel::Emptied ReferenceModel::reload(const Rules& to) {
  const Rules from = rules_;
  rules_ = to;
  Emptied emptied;
  emptied.window =
      from.time_based != to.time_based || (to.time_based ? from.duration != to.duration : from.size != to.size);
  emptied.failure_count =
      to.failure_count != 0 && (from.failure_count == 0 || from.failure_count_window != to.failure_count_window);
  if (emptied.window) {
    ended_.clear();
    judged_.clear();
  }
  if (emptied.failure_count) counted_failures_.clear();
  if (to.slow_permille == 0 && !is(Mutation::slow_row_outlives_a_pause)) slow_ = {};
  if ((from.mode == config::Mode::disabled) != (to.mode == config::Mode::disabled)) reset();
  return emptied;
}

// Only so that the lists stay short: what has left its window never comes back.
void ReferenceModel::forget_old(Entries& entries, bool time_based, int duration) const {
  const auto size = static_cast<std::size_t>(rules_.size);
  while (!entries.empty() && (time_based ? !is_within(entries.front(), duration) : entries.size() > size))
    entries.pop_front();
}

bool ReferenceModel::is_within(const Entry& entry, int duration) const {
  return 30 * now_ / duration - 30 * entry.at / duration < 30;
}

ReferenceModel::Count ReferenceModel::count(const Entries& entries) const {
  if (rules_.time_based) return count_within(entries, rules_.duration);
  Count sum;
  const auto size = static_cast<std::size_t>(rules_.size);
  for (std::size_t i = entries.size() > size ? entries.size() - size : 0; i < entries.size(); ++i) {
    ++sum.total;
    sum.marked += entries[i].marked ? 1 : 0;
  }
  return sum;
}

ReferenceModel::Count ReferenceModel::count_within(const Entries& entries, int duration) const {
  Count sum;
  for (const Entry& entry : entries)
    if (is_within(entry, duration)) {
      ++sum.total;
      sum.marked += entry.marked ? 1 : 0;
    }
  return sum;
}

}  // namespace fusewire::breaker::testing
