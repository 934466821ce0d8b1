// SPDX-License-Identifier: Apache-2.0
// The breaker once more, as plainly as it can be written: every call of the windows is kept in a list and counted
// anew, rates are compared in whole numbers, nothing is packed, nothing is clever. Only for tests; milliseconds from 0.
#pragma once

#include <cstdint>
#include <deque>
#include <optional>
#include <string>
#include <vector>

#include "filters/breaker/core/types.hpp"

namespace fusewire::breaker::testing {

// The settings, in whole numbers where they are. 0 turns a detector off, and a chance.
struct Rules {
  config::Mode mode = config::Mode::enforce;
  int consecutive = 5;
  double consecutive_chance = 0.000001;
  int consecutive_slow = 5;
  double consecutive_slow_chance = 0.000001;
  int failure_count = 0;
  int failure_count_window = 1000;
  int failure_permille = 500;
  int slow_permille = 500;
  bool time_based = true;
  int duration = 1000;
  int size = 20;
  int minimum_calls = 5;
  int open_timeout = 500;
  int multiplier_halves = 4;  // the multiplier is half of it
  int backoff_max = 4000;
  int half_open_max_calls = 3;
  int success_threshold = 3;
  bool strict = true;
  int max_half_open = 1000;
  int ramp = 0;

  config::CircuitBreaker as_config() const;
};

// A rule that a mutated model has wrong. The random lives must notice each of them (property_test.cpp).
enum class Mutation {
  none,
  row_without_10_ms,
  row_lasts_until_now,
  row_counts_itself,
  row_is_part_of_its_share,
  share_of_the_other_rate,
  chance_of_one_row_only,
  quiet_streams_are_busy,
  count_windows_are_busy_at_100,
  plain_counting_in_busy_streams,
  broken_stream_in_the_row,
  broken_stream_ends_the_row,
  neutral_ends_the_row,
  slow_success_ends_the_slow_row,
  failure_ends_the_slow_row,
  slow_row_outlives_a_pause,
  slow_row_waits_for_a_result,
  slow_rate_before_slow_row,
  slow_row_in_half_open,
  slot_stays_taken,
  trial_without_slot_is_unjudged,
  withdrawn_call_is_neutral,
  given_back_slot_makes_no_room,
  slow_trial_makes_room,
  withdrawn_call_makes_room,
  room_outlives_its_half_open,
  reset_ramps,
  ramp_refuses_the_first,
  ramp_goes_on_where_the_last_one_ended,
  ramp_begins_at_nothing,
};
inline constexpr int kMutations = 30;  // none included

class ReferenceModel {
 public:
  using Result = Event::Result;

  struct Permit {
    int generation = 0;
    bool slot = false;
    bool gave_back = false;
    bool unjudged = false;
    bool slow = false;
  };
  // A permit, or who rejects it and what is left (-1: no end is known).
  struct Answer {
    std::optional<Permit> permit;
    RejectedBy by = RejectedBy::open;
    std::int64_t retry_after = 0;
  };
  struct Emptied {
    bool window = false;
    bool failure_count = false;
  };

  explicit ReferenceModel(const Rules& rules, Mutation mutation = Mutation::none)
      : rules_(rules), mutation_(mutation) {}

  void advance(std::int64_t ms) { now_ += ms; }
  Answer acquire();
  void count_rejection();
  bool end_interval();
  void end(const Permit&, Result);
  void turn_slow(Permit&);
  void break_off(const Permit&);
  bool give_back(Permit&);
  void withdraw(Permit&);
  void force(Override, std::optional<std::int64_t> for_ms);
  void release() { forced_ = Override::none; }
  void reset();
  Emptied reload(const Rules&);

  // All that shows, in a line, so that one comparison says everything.
  std::string text() const;
  std::int64_t to_deadline() const { return deadline_ - now_; }

 private:
  struct Entry {
    std::int64_t at = 0;
    bool marked = false;
    bool is_own = false;  // of the row that is being judged
  };
  using Entries = std::deque<Entry>;
  struct Count {
    int total = 0;
    int marked = 0;
  };

  struct Row {
    int calls = 0;
    std::int64_t first = 0;
    std::int64_t last = 0;
  };

  bool is(Mutation mutation) const { return mutation == mutation_; }
  Override forced() const;
  int slots() const;
  bool admits_by_ramp();
  Answer refuse(RejectedBy, std::int64_t retry_after);
  void record(bool failed, bool was_slow, bool broke_off);
  void go_on(Row&);
  void judge(bool slow_calls_only);
  bool counts(const Row&, int threshold, double chance, const Entries&) const;
  Count beside(const Row&, const Entries&) const;
  bool is_busy(int beside) const;
  void fail_probe();
  void trip(Reason);
  void begin(State);
  std::int64_t open_interval() const;
  std::int64_t left() const { return deadline_ > now_ ? deadline_ - now_ : 0; }
  void forget_old(Entries&, bool time_based, int duration) const;
  Count count(const Entries&) const;
  bool is_within(const Entry&, int duration) const;
  Count count_within(const Entries&, int duration) const;
  bool reaches(const Count&, int permille) const;

  Rules rules_;
  Mutation mutation_;
  std::int64_t now_ = 0;
  State state_ = State::closed;
  int generation_ = 0;
  std::int64_t since_ = 0;
  Override forced_ = Override::none;
  std::optional<std::int64_t> forced_until_;

  Entries ended_;
  Entries judged_;
  Entries counted_failures_;
  Row failing_;
  Row slow_;

  std::int64_t deadline_ = 0;
  int row_ = 0;  // trips in a row
  std::int64_t last_interval_ = 0;

  bool early_ = false;  // half-open before its time
  int in_flight_ = 0;
  int room_ = 0;  // slots beyond half_open_max_calls
  int successes_ = 0;
  int failures_ = 0;
  std::int64_t last_admission_ = 0;

  bool recovered_ = false;              // closed by its trials
  std::optional<std::int64_t> credit_;  // of the ramp; nothing before its first call

  Totals totals_;
  std::optional<Reason> last_trip_;
};

// What the core shows, in the model's words.
std::string text(const Snapshot&);

}  // namespace fusewire::breaker::testing
