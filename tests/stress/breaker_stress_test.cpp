// SPDX-License-Identifier: Apache-2.0
// Sixteen threads on one breaker. What must hold however they interleave; run under ThreadSanitizer as well.
#include <doctest/doctest.h>

#include <array>
#include <atomic>
#include <barrier>
#include <cstdlib>
#include <memory>
#include <random>
#include <thread>
#include <vector>

#include "filters/breaker/core/breaker.hpp"

namespace fusewire::breaker {
namespace {

using namespace std::chrono_literals;

constexpr unsigned kThreads = 16;
constexpr std::uint32_t kMaxSlots = 3;
constexpr std::uint32_t kMaxPermits = kThreads * 5;  // each thread holds four, and takes one more

template <class Work>
void on_all_threads(Work work) {
  std::vector<std::jthread> threads;
  for (unsigned id = 0; id < kThreads; ++id) threads.emplace_back([&work, id] { work(id); });
}

config::CircuitBreaker nervous() {
  config::CircuitBreaker config;
  config.detection.window.duration = 200ms;
  config.detection.slow_call_rate = config::SlowCallRate{};
  config.detection.consecutive_failures = fusewire::config::Consecutive{.threshold = 5, .chance = std::nullopt};
  config.transitions = {.open_timeout = 5ms, .backoff = {.multiplier = 1.5, .max = 20ms, .jitter = 0.5}};
  config.recovery = {.half_open_max_calls = kMaxSlots, .success_threshold = 2, .max_half_open = 3ms};
  return config;
}

// The settings that a reload changes among: thresholds, slots, strictness, window type and shape, modes.
std::vector<config::CircuitBreaker> reloads() {
  std::vector<config::CircuitBreaker> all(6, nervous());
  all[1].detection.window = {.type = config::WindowType::count_based, .duration = 200ms, .size = 16};
  all[2].recovery.half_open_max_calls = 1;
  all[2].detection.consecutive_failures = fusewire::config::Consecutive{.threshold = 3, .chance = 0.1};
  all[2].detection.failure_count = config::FailureCount{.threshold = 3, .window = 30ms};
  all[3].mode = config::Mode::shadow;
  all[3].recovery.strict_mode = false;
  all[2].recovery.ramp = all[3].recovery.ramp = fusewire::config::Ramp{.duration = 5ms};
  all[4].mode = config::Mode::disabled;
  all[5].detection.window = {.type = config::WindowType::count_based, .duration = 200ms, .size = 11};
  all[5].detection.consecutive_failures = fusewire::config::Consecutive{.threshold = 2};
  all[5].detection.consecutive_slow_calls = fusewire::config::Consecutive{.threshold = 2, .chance = 0.01};
  all[1].detection.slow_call_rate.reset();
  return all;
}

// Hears every transition and every reset, and holds it against its generation.
class Witness {
 public:
  void hear(const Event& event) {
    if (event.kind == Event::Kind::transition) {
      ++moves_[static_cast<std::size_t>(event.from)][static_cast<std::size_t>(event.to)];
      report(event.generation);
    }
    if (event.kind == Event::Kind::reset && event.from == State::closed) report(event.generation);
    if (event.kind == Event::Kind::result) ++results_[static_cast<std::size_t>(event.result)];
    if (event.kind == Event::Kind::rejection) ++(event.would ? would_reject_ : rejected_);
  }

  void check_against(const Snapshot& seen) const {
    CHECK(seen.generation < kMaxGenerations);
    std::uint32_t reported_once = 0;
    for (std::uint32_t generation = 1; generation <= seen.generation; ++generation)
      if (reported_[generation].load() == 1) ++reported_once;
    CHECK(reported_once == seen.generation);
    for (std::size_t from = 0; from < 3; ++from)
      for (std::size_t to = 0; to < 3; ++to) CHECK(moves_[from][to].load() == seen.transitions[from][to]);
    CHECK(results_[0].load() == seen.totals.success);
    CHECK(results_[1].load() == seen.totals.failure);
    CHECK(results_[2].load() == seen.totals.neutral);
    CHECK(rejected_.load() == seen.totals.rejected);
    CHECK(would_reject_.load() == seen.totals.would_reject);
    std::uint64_t by_reason = 0;
    for (const std::uint64_t trips : seen.trips_by_reason) by_reason += trips;
    CHECK(by_reason == seen.totals.trips);
    CHECK(seen.transitions[0][1] + seen.transitions[2][1] == seen.totals.trips);
  }

 private:
  static constexpr std::uint32_t kMaxGenerations = 1U << 20;
  void report(std::uint32_t generation) {
    if (generation < kMaxGenerations) ++reported_[generation];
  }

  std::unique_ptr<std::atomic<std::uint8_t>[]> reported_ =
      std::make_unique<std::atomic<std::uint8_t>[]>(kMaxGenerations);
  std::array<std::array<std::atomic<std::uint64_t>, 3>, 3> moves_{};
  std::array<std::atomic<std::uint64_t>, 3> results_{};
  std::atomic<std::uint64_t> rejected_{0};
  std::atomic<std::uint64_t> would_reject_{0};
};

// A shared time that every caller moves a little.
class SharedTime {
 public:
  Time now() const { return Time{} + milliseconds(ms_.load(std::memory_order_relaxed)); }
  void pass() { ms_.fetch_add(1, std::memory_order_relaxed); }

 private:
  std::atomic<std::int64_t> ms_{0};
};

struct Ended {
  std::uint64_t success = 0, failure = 0, neutral = 0, rejected = 0;
};

Ended make_traffic(Breaker& breaker, SharedTime& time, unsigned seed, int calls) {
  std::minstd_rand random(seed + 1);
  std::vector<Permit> held;
  Ended ended;
  const auto end_one = [&] {
    Permit permit = std::move(held.back());
    held.pop_back();
    const auto die = random() % 16;
    if (die < 2) permit.on_slow(time.now());
    if (die == 15) {
      permit.withdraw(time.now());
      return;
    }
    if (die == 3) permit.give_back_slot(time.now());
    if (die < 8) {
      ++ended.success;
      permit.success(time.now());
      if (die == 7) permit.broke_off(FailureKind::incomplete, time.now());
    } else if (die < 14) {
      ++ended.failure;
      permit.failure(FailureKind::timeout, time.now());
    } else {
      ++ended.neutral;  // dropped
    }
  };
  for (int call = 0; call < calls; ++call) {
    if (random() % 8 == 0) time.pass();
    auto answer = breaker.try_acquire(time.now());
    if (auto* permit = std::get_if<Permit>(&answer))
      held.push_back(std::move(*permit));
    else
      ++ended.rejected;
    if (held.size() > random() % 4) end_one();
  }
  while (!held.empty()) end_one();
  return ended;
}

// What holds at any instant. Returns false instead of asserting: it runs beside the traffic.
// `late` is how far time had moved on when the snapshot was made: an interval may have begun after its `now`.
bool is_sane(const Snapshot& seen, milliseconds late = 0ms) {
  const std::uint64_t plausible = std::uint64_t{1} << 40;
  return seen.half_open.in_flight <= kMaxPermits && seen.half_open.successes <= 127 && seen.half_open.failures <= 127 &&
         seen.window.failures <= seen.window.ended && seen.window.slow <= seen.window.judged &&
         seen.window.ended < plausible && seen.window.judged < plausible && seen.consecutive_failures <= 65535 &&
         seen.consecutive_slow_calls <= 65535 && seen.open_remaining <= 30ms + late;
}

TEST_CASE("vector 12: reset, overrides and reloads racing with 16 threads of traffic") {
  Breaker breaker(nervous(), Time{}, 7);
  Witness witness;
  breaker.listen([&witness](const Event& event) { witness.hear(event); }, {true, true, true});
  SharedTime time;
  std::atomic<unsigned> working{kThreads};
  std::array<Ended, kThreads> ended{};
  std::uint64_t insane = 0;

  std::jthread control([&] {
    const auto settings = reloads();
    std::minstd_rand random(99);
    while (working.load() > 0) {
      const auto die = random() % 12;
      if (die == 0) breaker.reset(time.now());
      if (die == 1) breaker.force_open(time.now(), 3ms);
      if (die == 2) breaker.force_closed(time.now());
      if (die >= 3 && die < 6) breaker.release(time.now());
      if (die >= 6 && die < 8) breaker.reconfigure(settings[random() % settings.size()], time.now());
      const Time now = time.now();
      const Snapshot seen = breaker.snapshot(now);
      if (!is_sane(seen, std::chrono::ceil<milliseconds>(time.now() - now))) ++insane;
      std::this_thread::yield();
    }
  });
  on_all_threads([&](unsigned id) {
    ended[id] = make_traffic(breaker, time, id, 20'000);
    --working;
  });
  control.join();

  CHECK(insane == 0);
  const Snapshot seen = breaker.snapshot(time.now());
  CHECK(is_sane(seen));
  CHECK(seen.half_open.in_flight == 0);
  witness.check_against(seen);
  Ended sum;
  for (const Ended& each : ended) {
    sum.success += each.success;
    sum.failure += each.failure;
    sum.neutral += each.neutral;
    sum.rejected += each.rejected;
  }
  CHECK(seen.totals.success == sum.success);
  CHECK(seen.totals.failure >= sum.failure);  // and those that broke off
  CHECK(seen.totals.neutral == sum.neutral);
  CHECK(seen.totals.rejected == sum.rejected);
  CHECK(seen.totals.trips > 0);
}

TEST_CASE("under traffic alone it opens, recovers and reports each transition once") {
  for (const config::WindowType type : {config::WindowType::time_based, config::WindowType::count_based}) {
    config::CircuitBreaker config = nervous();
    config.detection.window.type = type;
    Breaker breaker(config, Time{}, 7);
    Witness witness;
    breaker.listen([&witness](const Event& event) { witness.hear(event); }, {true, true, true});
    SharedTime time;
    on_all_threads([&](unsigned id) { make_traffic(breaker, time, id + 100, 5000); });
    const Snapshot seen = breaker.snapshot(time.now());
    witness.check_against(seen);
    CHECK(seen.half_open.in_flight == 0);
    CHECK(seen.transitions[0][1] > 0);
    CHECK(seen.transitions[1][2] > 0);
  }
}

TEST_CASE("vector 4: 16 callers at the instant open -> half-open get exactly the permitted slots") {
  config::CircuitBreaker config = nervous();
  config.transitions.backoff.jitter = 0;
  Breaker breaker(config, Time{}, 7);
  std::atomic<std::int64_t> now_ms{0};
  std::atomic<int> admitted{0};
  std::atomic<int> wrong{0};
  std::barrier together(kThreads);
  on_all_threads([&](unsigned id) {
    for (int round = 0; round < 200; ++round) {
      if (id == 0) {
        const Time now = Time{} + milliseconds(now_ms.load());
        breaker.reset(now);
        while (breaker.state() == State::closed)
          std::get<Permit>(breaker.try_acquire(now)).failure(FailureKind::reset, now);
        now_ms += 5;
        admitted = 0;
      }
      together.arrive_and_wait();
      const Time now = Time{} + milliseconds(now_ms.load());
      auto answer = breaker.try_acquire(now);
      if (std::holds_alternative<Permit>(answer)) ++admitted;
      together.arrive_and_wait();
      if (id == 0 && (admitted != kMaxSlots || breaker.snapshot(now).half_open.in_flight != kMaxSlots)) ++wrong;
      together.arrive_and_wait();
    }
  });
  CHECK(wrong == 0);
}

TEST_CASE("16 callers that ramp at once are admitted as often as their shares say, together") {
  config::CircuitBreaker config = nervous();
  config.transitions.backoff.jitter = 0;
  config.recovery.ramp = fusewire::config::Ramp{.duration = 10s};
  Breaker breaker(config, Time{}, 7);
  for (int call = 0; call < 5; ++call)
    std::get<Permit>(breaker.try_acquire(Time{})).failure(FailureKind::reset, Time{});
  const Time closed = Time{} + 5ms;
  for (int call = 0; call < 2; ++call) std::get<Permit>(breaker.try_acquire(closed)).success(closed);
  std::atomic<int> admitted{0};
  on_all_threads([&](unsigned) {
    for (int call = 0; call < 5000; ++call)
      if (std::holds_alternative<Permit>(breaker.try_acquire(closed + 5s))) ++admitted;
  });
  CHECK(std::abs(admitted - 16 * 5000 * 55 / 100) <= 1);
}

TEST_CASE("no call is lost or counted twice, over time and over calls") {
  constexpr std::uint64_t kCalls = 2000;
  for (const std::uint32_t size : {0U, 50U, 100'000U}) {  // 0: over time
    config::CircuitBreaker config;
    config.detection = {.consecutive_failures = std::nullopt,
                        .failure_count = std::nullopt,
                        .failure_rate = std::nullopt,
                        .consecutive_slow_calls = std::nullopt,
                        .slow_call_rate = config::SlowCallRate{.threshold = 1.0},
                        .window = {},
                        .minimum_calls = 1'000'000};
    if (size != 0) config.detection.window = {.type = config::WindowType::count_based, .duration = {}, .size = size};
    Breaker breaker(config, Time{}, 7);
    on_all_threads([&](unsigned id) {
      for (std::uint64_t call = 0; call < kCalls; ++call) {
        const Time now = Time{} + milliseconds(call * 10);
        Permit permit = std::get<Permit>(breaker.try_acquire(now));
        if (id % 4 == 0) permit.failure(FailureKind::timeout, now);
        if (id % 4 == 1) permit.on_slow(now);
        permit.success(now);
      }
    });
    const Snapshot seen = breaker.snapshot(Time{} + 20s);
    const std::uint64_t all = kCalls * kThreads;
    CAPTURE(size);
    CHECK(seen.totals.success + seen.totals.failure == all);
    if (size == 50) {
      CHECK(seen.window.ended == 50);
      CHECK(seen.window.judged == 50);
      CHECK(seen.window.failures <= 50);
    } else {
      CHECK(seen.window.ended == all);
      CHECK(seen.window.failures == all / 4);
      CHECK(seen.window.judged == all);
      CHECK(seen.window.slow == all / 4);
    }
  }
}

TEST_CASE("no call of a row is lost or counted twice, and one that never was slow and succeeds ends the row for all") {
  constexpr std::uint64_t kCalls = 2000;
  constexpr std::uint64_t kAll = kCalls * kThreads;
  Breaker breaker(config::CircuitBreaker{}, Time{}, 7);
  breaker.force_closed(Time{});
  const auto call = [&breaker](Time now, bool fails, bool slow) {
    Permit permit = std::get<Permit>(breaker.try_acquire(now));
    if (slow) permit.on_slow(now);
    if (fails)
      permit.failure(FailureKind::timeout, now);
    else
      permit.success(now);
  };
  on_all_threads([&](unsigned) {
    for (std::uint64_t i = 0; i < kCalls; ++i) call(Time{} + milliseconds(i), true, true);
  });
  const Time after = Time{} + milliseconds(kCalls);
  CHECK(breaker.snapshot(after).consecutive_failures == kAll);
  CHECK(breaker.snapshot(after).consecutive_slow_calls == kAll);
  on_all_threads([&](unsigned id) {
    for (std::uint64_t i = 0; i < kCalls; ++i) call(after + milliseconds(i), id != 0, id != 0);
  });
  call(after, false, false);
  CHECK(breaker.snapshot(after).consecutive_failures == 0);
  CHECK(breaker.snapshot(after).consecutive_slow_calls == 0);
  breaker.release(after);
  CHECK(breaker.state() == State::closed);
}

}  // namespace
}  // namespace fusewire::breaker
