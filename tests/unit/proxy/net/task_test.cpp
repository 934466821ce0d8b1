// SPDX-License-Identifier: Apache-2.0
#include "proxy/net/task.hpp"

#include <doctest/doctest.h>

#include <stdexcept>
#include <string>

#include "proxy/net/event.hpp"
#include "proxy/net/spawn.hpp"

using namespace fusewire::proxy;

namespace {

// A plain function that needs a coroutine only where it must wait.
class Doubler {
 public:
  Task<int> twice(int number, bool waits) {
    ++calls;
    return waits ? later(number) : Task<int>::ended(2 * number);
  }
  void go_on() { event_.set(); }

  int calls = 0;

 private:
  Task<int> later(int number) {
    co_await event_.wait();
    co_return 2 * number;
  }

  Event event_;
};

Task<void> ask(Doubler& doubler, bool waits, int& result) { result = co_await doubler.twice(21, waits); }

Task<void> fail() {
  throw std::runtime_error("no");
  co_return;
}

Task<void> survive(std::string& what) {
  co_await Task<void>::ended();
  try {
    co_await fail();
  } catch (const std::runtime_error& error) {
    what = error.what();
  }
}

}  // namespace

TEST_CASE("a task that has ended gives its value in its caller's turn") {
  Doubler doubler;
  int result = 0;
  spawn(ask(doubler, false, result), "test");
  CHECK(result == 42);
  CHECK(doubler.calls == 1);
  CHECK(doubler.twice(1, false).is_ready());
}

TEST_CASE("a task that waits gives its value when what it waits for has come") {
  Doubler doubler;
  CHECK_FALSE(doubler.twice(1, true).is_ready());
  int result = 0;
  spawn(ask(doubler, true, result), "test");
  CHECK(result == 0);
  doubler.go_on();
  CHECK(result == 42);
}

TEST_CASE("what a task throws is its awaiter's to catch") {
  std::string what;
  spawn(survive(what), "test");
  CHECK(what == "no");
}

TEST_CASE("a wait beside another event ends with either of them, and both count as seen then") {
  Event own;
  Event driver;
  int woken = 0;
  const auto wait = [](Event& news, int& times) -> Task<void> {
    for (;;) {
      co_await news.wait();
      if (++times == 3) co_return;
    }
  };
  own.wait_beside(driver);
  spawn(wait(own, woken), "wait");
  driver.set();
  CHECK(woken == 1);
  own.set();
  CHECK(woken == 2);
  driver.set();
  CHECK(woken == 3);
}

TEST_CASE("one that waits alone is not woken by the event beside which it waited before") {
  Event own;
  Event driver;
  int woken = 0;
  const auto wait = [](Event& news, int& times) -> Task<void> {
    co_await news.wait();
    news.wait_alone();
    ++times;
    co_await news.wait();
    ++times;
  };
  own.wait_beside(driver);
  spawn(wait(own, woken), "wait");
  driver.set();
  driver.set();
  CHECK(woken == 1);
  own.set();
  CHECK(woken == 2);
}
