// SPDX-License-Identifier: Apache-2.0
// Random orders of calls, held against the reference model after every step. A mismatch names the game and the step;
// the games are the same in every run.
#include <doctest/doctest.h>

#include <random>

#include "tests/unit/filters/breaker/played_breaker.hpp"
#include "tests/unit/filters/breaker/reference_model.hpp"

namespace fusewire::breaker::testing {
namespace {

constexpr int kSteps = 1500;

class Game {
 public:
  explicit Game(unsigned seed, config::Mode mode, bool time_based)
      : random_(seed), rules_(draw_rules(mode, time_based)), model_(rules_), play_(rules_.as_config(), Time{}) {}

  // What differs, or nothing.
  std::string step() {
    const int die = below(100);
    if (die < 42) return differing(acquire());
    if (die < 74)
      end();
    else if (die < 80)
      turn_slow();
    else if (die < 82)
      break_off();
    else if (die < 95)
      advance();
    else if (die < 97)
      return differing(reload());
    else
      force();
    return differing({});
  }

 private:
  struct Call {
    Permit real;
    ReferenceModel::Permit modelled;
  };

  int below(int limit) { return static_cast<int>(random_() % static_cast<unsigned>(limit)); }
  template <class T, std::size_t N>
  T one_of(const T (&values)[N]) {
    return values[static_cast<std::size_t>(below(N))];
  }

  Rules draw_rules(config::Mode mode, bool time_based) {
    Rules r;
    r.mode = mode;
    r.consecutive = one_of({0, 0, 1, 3, 8});
    r.failure_count = one_of({0, 0, 1, 4, 9});
    r.failure_count_window = one_of({30, 100, 777, 5000});
    r.failure_permille = one_of({0, 300, 500, 700, 1000});
    r.slow_permille = one_of({0, 200, 500, 1000});
    r.time_based = time_based;
    r.duration = one_of({30, 100, 1000, 1001, 3000});
    r.size = one_of({1, 4, 9, 20});
    r.minimum_calls = std::min(one_of({1, 2, 5, 10}), time_based ? 10 : r.size);
    r.open_timeout = one_of({1, 50, 333, 1000});
    r.multiplier_halves = one_of({2, 3, 4, 6});
    r.backoff_max = one_of({10, 700, 5000});
    r.half_open_max_calls = one_of({1, 2, 3, 5});
    r.success_threshold = one_of({1, 2, 3, 7});
    r.strict = below(2) == 0;
    r.max_half_open = one_of({1, 40, 400, 1500});
    return r;
  }

  std::string acquire() {
    auto real = play_.breaker.try_acquire(play_.now);
    auto modelled = model_.acquire();
    if (auto* rejection = std::get_if<Rejection>(&real)) {
      const std::int64_t left = rejection->retry_after ? rejection->retry_after->count() : -1;
      if (modelled.permit) return "rejected, but modelled a permit";
      if (rejection->by != modelled.by || left != modelled.retry_after) return "another rejection";
      return {};
    }
    Permit& permit = std::get<Permit>(real);
    if (!modelled.permit) return "admitted, but modelled a rejection";
    if (permit.unjudged() != modelled.permit->unjudged) return "unjudged differs";
    calls_.push_back({std::move(permit), *modelled.permit});
    return {};
  }

  void end() {
    if (calls_.empty()) return;
    Call call = take(calls_);
    const auto result = static_cast<Event::Result>(one_of({0, 0, 0, 1, 1, 1, 2}));
    if (result == Event::Result::success) call.real.success(play_.now);
    if (result == Event::Result::failure) call.real.failure(FailureKind::timeout, play_.now);
    if (result == Event::Result::neutral && below(2) == 0) call.real.neutral(play_.now);
    if (result == Event::Result::neutral && call.real.active()) call.real = Permit();  // dropped
    model_.end(call.modelled, result);
    if (result == Event::Result::success) ended_.push_back(std::move(call));
    if (ended_.size() > 10) ended_.erase(ended_.begin());
  }

  void turn_slow() {
    if (calls_.empty()) return;
    Call& call = calls_[static_cast<std::size_t>(below(static_cast<int>(calls_.size())))];
    call.real.on_slow(play_.now);
    model_.turn_slow(call.modelled);
  }

  void break_off() {
    if (ended_.empty()) return;
    Call call = take(ended_);
    call.real.broke_off(FailureKind::incomplete, play_.now);
    model_.break_off(call.modelled);
  }

  void advance() {
    std::int64_t ms = one_of({0, 1, 1, 3, 20, 100, 400, 1500});
    if (below(4) == 0) ms = std::max<std::int64_t>(0, model_.to_deadline() - below(2));
    if (below(200) == 0) ms = 1000LL * 86'400 * below(400);
    play_.now += milliseconds(ms);
    model_.advance(ms);
  }

  std::string reload() {
    const auto mode = one_of(
        {rules_.mode, rules_.mode, rules_.mode, config::Mode::enforce, config::Mode::shadow, config::Mode::disabled});
    Rules next = draw_rules(mode, below(4) == 0 ? !rules_.time_based : rules_.time_based);
    if (below(2) == 0) {  // only thresholds
      const Rules drawn = next;
      next = rules_;
      next.mode = mode;
      next.consecutive = drawn.consecutive;
      next.half_open_max_calls = drawn.half_open_max_calls;
      next.success_threshold = drawn.success_threshold;
      next.open_timeout = drawn.open_timeout;
      next.slow_permille = drawn.slow_permille;
    }
    rules_ = next;
    const auto modelled = model_.reload(rules_);
    const Reconfigured real = play_.breaker.reconfigure(rules_.as_config(), play_.now);
    if (real.window_emptied != modelled.window || real.failure_count_emptied != modelled.failure_count)
      return "emptied differs";
    return {};
  }

  void force() {
    const int die = below(10);
    std::optional<std::int64_t> span;
    if (below(3) != 0) span = one_of({0, 1, 50, 500});
    std::optional<milliseconds> real_span;
    if (span) real_span = milliseconds(*span);
    if (die < 2) {
      play_.breaker.force_open(play_.now, real_span);
      model_.force(Override::forced_open, span);
    } else if (die < 4) {
      play_.breaker.force_closed(play_.now, real_span);
      model_.force(Override::forced_closed, span);
    } else if (die < 9) {
      play_.breaker.release(play_.now);
      model_.release();
    } else {
      play_.breaker.reset(play_.now);
      model_.reset();
    }
  }

  Call take(std::vector<Call>& from) {
    std::swap(from[static_cast<std::size_t>(below(static_cast<int>(from.size())))], from.back());
    Call call = std::move(from.back());
    from.pop_back();
    return call;
  }

  std::string differing(std::string what) const {
    const std::string real = text(play_.seen());
    const std::string modelled = model_.text();
    if (what.empty() && real == modelled) return {};
    return what + "\n  core:  " + real + "\n  model: " + modelled;
  }

  std::mt19937 random_;
  Rules rules_;
  ReferenceModel model_;
  PlayedBreaker play_;
  std::vector<Call> calls_;
  std::vector<Call> ended_;  // by a success: they may break off
};

void play_games(unsigned first_seed, int games, config::Mode mode, bool time_based) {
  int steps = 0;
  for (unsigned seed = first_seed; seed < first_seed + static_cast<unsigned>(games); ++seed) {
    Game game(seed, mode, time_based);
    for (int step = 0; step < kSteps; ++step, ++steps)
      if (const std::string difference = game.step(); !difference.empty())
        FAIL("seed ", seed, ", step ", step, ": ", difference);
  }
  CHECK(steps == games * kSteps);
}

// 700 games of 1,500 steps: 1,050,000 steps. Overrides, resets and reloads (of the mode and the window's type as well)
// are in every game.
TEST_CASE("enforcing over a time window, any order of calls agrees with the model") {
  play_games(1000, 300, config::Mode::enforce, true);
}

TEST_CASE("enforcing over a count window, any order of calls agrees with the model") {
  play_games(2000, 220, config::Mode::enforce, false);
}

TEST_CASE("in shadow, any order of calls agrees with the model") {
  play_games(3000, 80, config::Mode::shadow, true);
  play_games(4000, 70, config::Mode::shadow, false);
}

TEST_CASE("from disabled, any order of calls agrees with the model") {
  play_games(5000, 30, config::Mode::disabled, true);
}

}  // namespace
}  // namespace fusewire::breaker::testing
