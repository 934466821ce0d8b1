// SPDX-License-Identifier: Apache-2.0
#include <doctest/doctest.h>

#include <string>

#include "filters/breaker/core/registry.hpp"

namespace fusewire::breaker {
namespace {

using namespace std::chrono_literals;

struct Program {
  Time now{};
  Builder builder = Builder("orders")
                        .consecutive_failures(2)
                        .failure_rate(std::nullopt)
                        .slow_call_rate(0.5, 5s)
                        .minimum_calls(4)
                        .backoff(2, 300s, 0)
                        .success_threshold(1)
                        .clock([this] { return now; });
  CircuitBreaker orders = builder.build();

  int answer(int value) {
    return orders.call([value] {
      if (value < 0) throw std::runtime_error("refused");
      return value;
    });
  }
};

TEST_CASE("call() passes results and exceptions on and counts them") {
  Program program;
  CHECK(program.answer(7) == 7);
  CHECK_THROWS_WITH(program.answer(-1), "refused");
  int calls = 0;
  program.orders.call([&calls] { ++calls; });
  CHECK(calls == 1);
  CHECK(program.orders.snapshot().totals.success == 2);
  CHECK(program.orders.snapshot().totals.failure == 1);
}

TEST_CASE("call() does not run what the breaker rejects") {
  Program program;
  for (int i = 0; i < 2; ++i) CHECK_THROWS(program.answer(-1));
  CHECK(program.orders.state() == State::open);
  try {
    program.answer(7);
    FAIL("the call was let through");
  } catch (const Rejected& rejected) {
    CHECK(rejected.rejection().by == RejectedBy::open);
    CHECK(rejected.rejection().retry_after == 30s);
    CHECK(std::string(rejected.what()).find("orders") != std::string::npos);
  }
  program.now += 30s;
  CHECK(program.answer(7) == 7);
  CHECK(program.orders.state() == State::closed);
}

TEST_CASE("call() hands references through") {
  Program program;
  std::string text = "here";
  std::string& same = program.orders.call([&text]() -> std::string& { return text; });
  CHECK(&same == &text);
}

TEST_CASE("the fallback answers failures and rejections, and may ask why") {
  Program program;
  const auto fail = []() -> std::string { throw std::runtime_error("refused"); };
  const auto why = [](std::exception_ptr problem) -> std::string {
    try {
      std::rethrow_exception(problem);
    } catch (const std::exception& e) {
      return e.what();
    }
  };
  CHECK(program.orders.call_with_fallback(fail, [] { return std::string("stale"); }) == "stale");
  CHECK(program.orders.call_with_fallback(fail, why) == "refused");
  CHECK(program.orders.call_with_fallback(fail, why) == "circuit breaker 'orders' rejected the call: open");
  CHECK(program.orders.snapshot().totals.failure == 2);
  CHECK(program.orders.snapshot().totals.rejected == 1);
}

TEST_CASE("a call that took slower_than or longer was slow") {
  Program program;
  for (const auto took : {4'999ms, 5'000ms}) program.orders.call([&] { program.now += took; });
  CHECK(program.orders.snapshot().window.judged == 2);
  CHECK(program.orders.snapshot().window.slow == 1);
}

TEST_CASE("a call that is taken by hand ends by its word, or neutral") {
  Program program;
  std::get<Call>(program.orders.try_acquire()).success();
  std::get<Call>(program.orders.try_acquire()).failure(FailureKind::timeout);
  { auto dropped = program.orders.try_acquire(); }
  const Totals totals = program.orders.snapshot().totals;
  CHECK(totals.success == 1);
  CHECK(totals.failure == 1);
  CHECK(totals.neutral == 1);
}

TEST_CASE("every callback hears every event, even after one that throws") {
  Program program;
  int first = 0;
  int second = 0;
  program.orders.on_event([&first](const Event&) {
    ++first;
    throw std::runtime_error("no room");
  });
  program.orders.on_event([&second](const Event&) { ++second; });
  program.orders.force_open();
  CHECK(std::holds_alternative<Rejection>(program.orders.try_acquire()));
  program.orders.force_closed(1min);
  program.orders.release();
  program.orders.reset();
  CHECK(first == 5);
  CHECK(second == 5);
}

TEST_CASE("reconfigure() takes the new thresholds and refuses bad ones") {
  Program program;
  auto config = program.builder.settings();
  config.detection.consecutive_failures = fusewire::config::Consecutive{.threshold = 1};
  CHECK(program.orders.reconfigure(config).changed);
  CHECK_THROWS(program.answer(-1));
  CHECK(program.orders.state() == State::open);
  config.detection.consecutive_failures = fusewire::config::Consecutive{.threshold = 128};
  CHECK_THROWS_AS(program.orders.reconfigure(config), std::invalid_argument);
}

TEST_CASE("a call in a row of slow ones trips, and one on trial gives its slot back") {
  Program program;
  auto config = program.builder.consecutive_slow_calls(2).success_threshold(2).settings();
  config.detection.slow_call_rate->threshold = 1;
  program.orders.reconfigure(config);
  for (int i = 0; i < 2; ++i) program.orders.call([&program] { program.now += 5s; });
  CHECK(program.orders.state() == State::open);
  CHECK(program.orders.snapshot().last_trip->reason == Reason::consecutive_slow_calls);
  program.now += 30s;
  Call trial = program.orders.acquire();
  CHECK(trial.give_back_slot());
  CHECK_FALSE(trial.give_back_slot());
  trial.success();
  CHECK(program.orders.snapshot().half_open.successes == 1);
}

TEST_CASE("what is out of bounds is refused by name") {
  const auto refused = [](Builder& builder) {
    try {
      builder.build();
    } catch (const std::invalid_argument& e) {
      return std::string(e.what());
    }
    return std::string("accepted");
  };
  const auto with = [] { return Builder("x"); };
  CHECK(refused(with().consecutive_failures(0)) == "consecutive_failures.threshold is not in 1..127");
  CHECK(refused(with().consecutive_failures(5, 0.0)) == "consecutive_failures.chance is not in (0, 1]");
  CHECK(refused(with().consecutive_slow_calls(128)) == "consecutive_slow_calls.threshold is not in 1..127");
  CHECK(refused(with().consecutive_slow_calls(5, 1.5)) == "consecutive_slow_calls.chance is not in (0, 1]");
  CHECK(refused(with().consecutive_slow_calls(std::nullopt).consecutive_failures(5, std::nullopt)) == "accepted");
  CHECK(refused(with().failure_count(128, 1s)) == "failure_count.threshold is not in 1..127");
  CHECK(refused(with().failure_count(1, 29ms)) == "failure_count.window is below 30ms");
  CHECK(refused(with().failure_rate(0)) == "failure_rate.threshold is not in (0, 1]");
  CHECK(refused(with().failure_rate(1.01)) == "failure_rate.threshold is not in (0, 1]");
  CHECK(refused(with().slow_call_rate(-1, 1s)) == "slow_call_rate.threshold is not in (0, 1]");
  CHECK(refused(with().minimum_calls(0)) == "minimum_calls is below 1");
  CHECK(refused(with().window(29ms)) == "window.duration is below 30ms");
  CHECK(refused(with().window_of_calls(0)) == "window.size is not in 1..1048575");
  CHECK(refused(with().window_of_calls(9)) == "minimum_calls is above window.size");
  CHECK(refused(with().open_for(-1ms)) == "open_timeout is negative");
  CHECK(refused(with().backoff(0.5, 1s)) == "backoff.multiplier is below 1");
  CHECK(refused(with().backoff(2, 1s, 1.5)) == "backoff.jitter is not in 0..1");
  CHECK(refused(with().half_open_max_calls(128)) == "half_open_max_calls is not in 1..127");
  CHECK(refused(with().success_threshold(0)) == "success_threshold is not in 1..127");
  CHECK(refused(with().window_of_calls(10).no_slow_call_rate().strict_mode(false).max_half_open(1s)) == "accepted");
}

TEST_CASE("a registry finds what was added and no more") {
  Registry registry;
  const auto orders = registry.add(Builder("orders"));
  const auto users = registry.add(Builder("users").mode(fusewire::config::Mode::shadow));
  CHECK(registry.find("orders") == orders);
  CHECK(registry.find("order") == nullptr);
  CHECK(registry.names() == std::vector<std::string>{"orders", "users"});
  CHECK(users->snapshot().mode == fusewire::config::Mode::shadow);
  CHECK_FALSE(registry.remove("nobody"));
  CHECK(registry.remove("orders"));
  CHECK(registry.find("orders") == nullptr);
}

}  // namespace
}  // namespace fusewire::breaker
