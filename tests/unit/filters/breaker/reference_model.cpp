// SPDX-License-Identifier: Apache-2.0
#include "tests/unit/filters/breaker/reference_model.hpp"

#include <algorithm>
#include <sstream>

namespace fusewire::breaker::testing {

config::CircuitBreaker Rules::as_config() const {
  config::CircuitBreaker to;
  to.mode = mode;
  to.detection.consecutive_failures.reset();
  if (consecutive != 0)
    to.detection.consecutive_failures =
        fusewire::config::Consecutive{.threshold = static_cast<std::uint32_t>(consecutive)};
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
  return to;
}

Override ReferenceModel::forced() const { return forced_until_ && now_ >= *forced_until_ ? Override::none : forced_; }

ReferenceModel::Answer ReferenceModel::acquire() {
  if (rules_.mode == config::Mode::disabled) return {Permit{.generation = generation_, .unjudged = true}};
  if (forced() == Override::forced_closed) return {Permit{.generation = generation_}};
  if (forced() == Override::forced_open)
    return refuse(RejectedBy::forced_open, forced_until_ ? *forced_until_ - now_ : -1);
  if (state_ == State::closed) return {Permit{.generation = generation_}};
  if (state_ == State::open) {
    if (left() > 0) return refuse(RejectedBy::open, left());
    begin(State::half_open);
  }
  if (in_flight_ < rules_.half_open_max_calls) {
    ++in_flight_;
    last_admission_ = now_;
    return {Permit{.generation = generation_, .slot = true}};
  }
  if (now_ - last_admission_ < rules_.max_half_open) return refuse(RejectedBy::half_open, 0);
  trip(Reason::half_open_timeout);
  return refuse(RejectedBy::open, left());
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
  if (state_ == State::closed && result != Result::neutral) record(result == Result::failure, permit.slow);
  if (state_ != State::half_open || !permit.slot) return;
  --in_flight_;
  if (result == Result::neutral || permit.slow || forced() != Override::none) return;
  if (result == Result::failure) return fail_probe();
  if (++successes_ >= rules_.success_threshold) begin(State::closed);
}

void ReferenceModel::turn_slow(Permit& permit) {
  if (permit.slow || permit.unjudged || rules_.slow_permille == 0) return;
  permit.slow = true;
  if (permit.generation != generation_) return;
  if (state_ == State::closed) {
    judged_.push_back({now_, true});
    judge(true);
  } else if (state_ == State::half_open && permit.slot && forced() == Override::none) {
    fail_probe();
  }
}

void ReferenceModel::break_off(const Permit& permit) {
  if (permit.generation != generation_) return;
  ++totals_.failure;
  if (permit.unjudged) return;
  if (state_ == State::closed)
    record(true, false);
  else if (state_ == State::half_open && permit.slot && forced() == Override::none)
    fail_probe();
}

void ReferenceModel::record(bool failed, bool was_slow) {
  ended_.push_back({now_, failed});
  if (rules_.slow_permille != 0 && !was_slow) judged_.push_back({now_, false});
  if (rules_.failure_count != 0 && failed) counted_failures_.push_back({now_, true});
  consecutive_ = failed ? consecutive_ + 1 : 0;
  judge(false);
}

void ReferenceModel::judge(bool slow_calls_only) {
  if (forced() != Override::none) return;
  const Rules& r = rules_;
  if (!slow_calls_only) {
    if (r.consecutive != 0 && consecutive_ >= r.consecutive) return trip(Reason::consecutive_failures);
    if (r.failure_count != 0 && count_within(counted_failures_, r.failure_count_window).total >= r.failure_count)
      return trip(Reason::failure_count);
    if (reaches(count(ended_), r.failure_permille)) return trip(Reason::failure_rate);
  }
  if (reaches(count(judged_), r.slow_permille)) trip(Reason::slow_call_rate);
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
  row_ = fresh ? 1 : row_ + 1;
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
  state_ = state;
  ++generation_;
  since_ = now_;
  in_flight_ = successes_ = failures_ = 0;
  if (state != State::closed) return;
  ended_.clear();
  judged_.clear();
  counted_failures_.clear();
  consecutive_ = 0;
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
  if ((from.mode == config::Mode::disabled) != (to.mode == config::Mode::disabled)) reset();
  return emptied;
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
    if (30 * now_ / duration - 30 * entry.at / duration < 30) {
      ++sum.total;
      sum.marked += entry.marked ? 1 : 0;
    }
  return sum;
}

namespace {

struct Shown {
  State state;
  Override forced;
  std::int64_t generation, ended, failures, judged, slow, failure_count, consecutive, in_flight, successes,
      probe_failures, retry_after;
  Totals totals;
  std::optional<Reason> last_trip;
};

std::string in_a_line(const Shown& s) {
  std::ostringstream out;
  out << to_string(s.state) << " override=" << to_string(s.forced) << " generation=" << s.generation
      << " ended=" << s.failures << '/' << s.ended << " judged=" << s.slow << '/' << s.judged
      << " failure_count=" << s.failure_count << " consecutive=" << s.consecutive << " in_flight=" << s.in_flight
      << " successes=" << s.successes << " failures=" << s.probe_failures << " retry_after=" << s.retry_after
      << " totals=" << s.totals.success << ',' << s.totals.failure << ',' << s.totals.neutral << ','
      << s.totals.rejected << ',' << s.totals.would_reject << ',' << s.totals.trips
      << " last_trip=" << (s.last_trip ? to_string(*s.last_trip) : "none");
  return out.str();
}

}  // namespace

std::string ReferenceModel::text() const {
  const Count ends = count(ended_);
  const Count judgements = count(judged_);
  std::int64_t retry_after = state_ == State::open ? left() : 0;
  if (forced() == Override::forced_closed) retry_after = 0;
  if (forced() == Override::forced_open) retry_after = forced_until_ ? *forced_until_ - now_ : -1;
  const bool counts_failures = rules_.failure_count != 0;
  return in_a_line({state_, forced(), generation_, ends.total, ends.marked, judgements.total, judgements.marked,
                    counts_failures ? count_within(counted_failures_, rules_.failure_count_window).total : -1,
                    consecutive_, in_flight_, successes_, failures_, retry_after, totals_, last_trip_});
}

std::string text(const Snapshot& seen) {
  const auto number = [](auto value) { return static_cast<std::int64_t>(value); };
  std::optional<Reason> last_trip;
  if (seen.last_trip) last_trip = seen.last_trip->reason;
  return in_a_line({seen.state, seen.override_state, seen.generation, number(seen.window.ended),
                    number(seen.window.failures), number(seen.window.judged), number(seen.window.slow),
                    seen.failure_count ? number(*seen.failure_count) : -1, seen.consecutive_failures,
                    seen.half_open.in_flight, seen.half_open.successes, seen.half_open.failures,
                    seen.retry_after ? number(seen.retry_after->count()) : -1, seen.totals, last_trip});
}

}  // namespace fusewire::breaker::testing
