// SPDX-License-Identifier: Apache-2.0
// spec/breaker.md once more, as plainly as it can be said: every call of the windows is kept in a list and counted
// anew, rates are compared in whole numbers, nothing is packed, nothing is clever. Only for tests; milliseconds from 0.
#pragma once

#include <cstdint>
#include <deque>
#include <optional>
#include <string>
#include <vector>

#include "filters/breaker/core/types.hpp"

namespace fusewire::breaker::testing {

// The settings in whole numbers. 0 turns a detector off.
struct Rules {
  config::Mode mode = config::Mode::enforce;
  int consecutive = 5;
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

  config::CircuitBreaker as_config() const;
};

class ReferenceModel {
 public:
  using Result = Event::Result;

  struct Permit {
    int generation = 0;
    bool slot = false;
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

  explicit ReferenceModel(const Rules& rules) : rules_(rules) {}

  void advance(std::int64_t ms) { now_ += ms; }
  Answer acquire();
  void end(const Permit&, Result);
  void turn_slow(Permit&);
  void break_off(const Permit&);
  void force(Override, std::optional<std::int64_t> for_ms);
  void release() { forced_ = Override::none; }
  void reset();
  Emptied reload(const Rules&);

  // All that shows, in a line, so that one comparison says everything.
  std::string text() const;
  std::int64_t to_deadline() const { return deadline_ - now_; }

 private:
  struct Entry {
    std::int64_t at;
    bool marked;
  };
  using Entries = std::deque<Entry>;
  struct Count {
    int total = 0;
    int marked = 0;
  };

  Override forced() const;
  Answer refuse(RejectedBy, std::int64_t retry_after);
  void record(bool failed, bool was_slow);
  void judge(bool slow_calls_only);
  void fail_probe();
  void trip(Reason);
  void begin(State);
  std::int64_t open_interval() const;
  std::int64_t left() const { return deadline_ > now_ ? deadline_ - now_ : 0; }
  Count count(const Entries&) const;
  Count count_within(const Entries&, int duration) const;
  bool reaches(const Count&, int permille) const;

  Rules rules_;
  std::int64_t now_ = 0;
  State state_ = State::closed;
  int generation_ = 0;
  std::int64_t since_ = 0;
  Override forced_ = Override::none;
  std::optional<std::int64_t> forced_until_;

  Entries ended_;
  Entries judged_;
  Entries counted_failures_;
  int consecutive_ = 0;

  std::int64_t deadline_ = 0;
  int row_ = 0;  // trips in a row
  std::int64_t last_interval_ = 0;

  int in_flight_ = 0;
  int successes_ = 0;
  int failures_ = 0;
  std::int64_t last_admission_ = 0;

  Totals totals_;
  std::optional<Reason> last_trip_;
};

// What the core shows, in the model's words.
std::string text(const Snapshot&);

}  // namespace fusewire::breaker::testing
