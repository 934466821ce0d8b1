// SPDX-License-Identifier: Apache-2.0
// What the model and the core show, in the same line of text.
#include <sstream>

#include "tests/unit/filters/breaker/reference_model.hpp"

namespace fusewire::breaker::testing {

namespace {

struct Shown {
  State state;
  Override forced;
  std::int64_t generation, ended, failures, judged, slow, failure_count, consecutive, slow_in_a_row, in_flight, slots,
      successes, probe_failures, retry_after;
  Totals totals;
  std::optional<Reason> last_trip;
};

std::string in_a_line(const Shown& s) {
  std::ostringstream out;
  out << to_string(s.state) << " override=" << to_string(s.forced) << " generation=" << s.generation
      << " ended=" << s.failures << '/' << s.ended << " judged=" << s.slow << '/' << s.judged
      << " failure_count=" << s.failure_count << " consecutive=" << s.consecutive << '/' << s.slow_in_a_row
      << " in_flight=" << s.in_flight << '/' << s.slots << " successes=" << s.successes
      << " failures=" << s.probe_failures << " retry_after=" << s.retry_after << " totals=" << s.totals.success << ','
      << s.totals.failure << ',' << s.totals.neutral << ',' << s.totals.rejected << ',' << s.totals.would_reject << ','
      << s.totals.trips << " last_trip=" << (s.last_trip ? to_string(*s.last_trip) : "none");
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
                    failing_.calls, rules_.slow_permille == 0 ? 0 : slow_.calls, in_flight_,
                    state_ == State::half_open ? slots() : 0, successes_, failures_, retry_after, totals_, last_trip_});
}

std::string text(const Snapshot& seen) {
  const auto number = [](auto value) { return static_cast<std::int64_t>(value); };
  std::optional<Reason> last_trip;
  if (seen.last_trip) last_trip = seen.last_trip->reason;
  return in_a_line({seen.state, seen.override_state, seen.generation, number(seen.window.ended),
                    number(seen.window.failures), number(seen.window.judged), number(seen.window.slow),
                    seen.failure_count ? number(*seen.failure_count) : -1, seen.consecutive_failures,
                    seen.consecutive_slow_calls, seen.half_open.in_flight, seen.half_open.slots,
                    seen.half_open.successes, seen.half_open.failures,
                    seen.retry_after ? number(seen.retry_after->count()) : -1, seen.totals, last_trip});
}

}  // namespace fusewire::breaker::testing
