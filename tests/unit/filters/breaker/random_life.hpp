// SPDX-License-Identifier: Apache-2.0
// One breaker and one model, led through the same random order of calls and compared after every step. The same seed is
// the same life.
#pragma once

#include <random>
#include <string>
#include <utility>
#include <vector>

#include "tests/unit/filters/breaker/played_breaker.hpp"
#include "tests/unit/filters/breaker/reference_model.hpp"

namespace fusewire::breaker::testing {

class RandomLife {
 public:
  RandomLife(unsigned seed, config::Mode mode, bool time_based, Mutation mutation = Mutation::none)
      : random_(seed),
        busy_(below(3) == 0),
        failures_(busy_ ? one_of({5, 20, 50}) : 43),
        rules_(draw_rules(mode, time_based)),
        model_(rules_, mutation),
        play_(rules_.as_config(), Time{}) {}

  // What differs, or nothing.
  std::string step() {
    const int die = below(100);
    if (busy_ && die < 6) return differing(die < 3 ? burst() : row());
    if (die < 42) return differing(acquire());
    if (die < 71)
      end();
    else if (die < 77)
      turn_slow();
    else if (die < 79)
      break_off();
    else if (die < 82)
      return differing(give_back());
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
    r.consecutive_slow = one_of({0, 0, 1, 3, 6});
    r.consecutive_chance = one_of({0.0, 0.000001, 0.000001, 0.013, 0.37});
    r.consecutive_slow_chance = one_of({0.0, 0.000001, 0.000001, 0.013, 0.37});
    if (busy_) {  // where rows decide, not rates
      r.consecutive = one_of({0, 2, 3, 5});
      r.consecutive_slow = one_of({0, 2, 3, 5});
      r.failure_count = 0;
      r.failure_permille = one_of({0, 0, 900});
      r.slow_permille = one_of({0, 900, 1000, 1000});
    }
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
    r.ramp = one_of({0, 0, 0, 7, 300, 4000});
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
    if (below(20) == 0) {
      call.real.withdraw(play_.now);
      return model_.withdraw(call.modelled);
    }
    end(std::move(call), draw_result());
  }

  Event::Result draw_result() {
    if (below(7) == 0) return Event::Result::neutral;
    return below(100) < failures_ ? Event::Result::failure : Event::Result::success;
  }

  void end(Call call, Event::Result result) {
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

  std::string give_back() {
    if (calls_.empty()) return {};
    Call& call = calls_[static_cast<std::size_t>(below(static_cast<int>(calls_.size())))];
    const bool modelled = model_.give_back(call.modelled);
    return call.real.give_back_slot(play_.now) == modelled ? std::string() : "slot differs";
  }

  // Enough calls to make a stream busy, in a short time.
  std::string burst() {
    for (int calls = one_of({5, 30, 110, 140}); calls > 0; --calls) {
      if (std::string text = call_once(below(100) < failures_ / 2, below(100) < failures_ / 2); !text.empty())
        return text;
      if (below(20) == 0) pass(1);
    }
    return {};
  }

  // Calls that all fail, or all turn slow, or both.
  std::string row() {
    const int kind = below(3);
    const std::int64_t apart = one_of({0, 0, 1, 2, 4, 11});
    for (int calls = 1 + below(9); calls > 0; --calls) {
      if (std::string text = call_once(kind != 1, kind != 0); !text.empty()) return text;
      pass(apart);
    }
    if (below(2) == 0) return {};
    pass(one_of({5, 10, 15}));  // a failure later: of a row of slow calls only a judgement
    return call_once(true, false);
  }

  std::string call_once(bool fails, bool turns_slow) {
    const std::size_t before = calls_.size();
    if (std::string text = acquire(); !text.empty()) return text;
    if (calls_.size() == before) return {};
    Call call = std::move(calls_.back());
    calls_.pop_back();
    if (turns_slow) {
      call.real.on_slow(play_.now);
      model_.turn_slow(call.modelled);
    }
    end(std::move(call), fails ? Event::Result::failure : Event::Result::success);
    return {};
  }

  void pass(std::int64_t ms) {
    play_.now += milliseconds(ms);
    model_.advance(ms);
  }

  void advance() {
    std::int64_t ms = one_of({0, 1, 1, 3, 20, 100, 400, 1500});
    if (below(4) == 0) ms = std::max<std::int64_t>(0, model_.to_deadline() - below(2));
    if (below(200) == 0) ms = 1000LL * 86'400 * below(400);
    pass(ms);
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
      next.consecutive_slow = drawn.consecutive_slow;
      next.consecutive_chance = drawn.consecutive_chance;
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

  std::string differing(const std::string& what) const {
    const std::string real = text(play_.seen());
    const std::string modelled = model_.text();
    if (what.empty() && real == modelled) return {};
    return what + "\n  core:  " + real + "\n  model: " + modelled;
  }

  std::mt19937 random_;
  bool busy_;     // many calls in a short time, few of them failing: rows against chance
  int failures_;  // in 100 calls
  Rules rules_;
  ReferenceModel model_;
  PlayedBreaker play_;
  std::vector<Call> calls_;
  std::vector<Call> ended_;  // by a success: they may break off
};

}  // namespace fusewire::breaker::testing
