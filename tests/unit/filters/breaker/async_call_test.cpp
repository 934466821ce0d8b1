// SPDX-License-Identifier: Apache-2.0
#include "filters/breaker/core/async_call.hpp"

#include <doctest/doctest.h>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>

#include "filters/breaker/core/builder.hpp"

namespace fusewire::breaker {
namespace {

namespace asio = boost::asio;

// Runs to the end and gives what the coroutine threw, if it did.
std::exception_ptr run(asio::awaitable<void> story) {
  asio::io_context io;
  std::exception_ptr thrown;
  asio::co_spawn(io, std::move(story), [&thrown](std::exception_ptr problem) { thrown = problem; });
  io.run();
  return thrown;
}

asio::awaitable<int> later(int value) {
  co_await asio::post(co_await asio::this_coro::executor, asio::use_awaitable);
  if (value < 0) throw boost::system::system_error(asio::error::connection_refused);
  co_return value;
}

asio::awaitable<void> nothing() { co_return; }

asio::awaitable<void> aborted() {
  throw boost::system::system_error(asio::error::operation_aborted);
  co_return;
}

TEST_CASE("async_call awaits, passes results on and counts") {
  CircuitBreaker orders = Builder("orders").consecutive_failures(2).build();
  const auto thrown = run([](CircuitBreaker& breaker) -> asio::awaitable<void> {
    CHECK(co_await async_call(breaker, [] { return later(7); }) == 7);
    co_await async_call(breaker, &nothing);
  }(orders));
  CHECK_FALSE(thrown);
  CHECK(orders.snapshot().totals.success == 2);
}

TEST_CASE("async_call counts what is thrown, and rejects without running once open") {
  CircuitBreaker orders = Builder("orders").consecutive_failures(2).build();
  const auto fail = [](CircuitBreaker& breaker) -> asio::awaitable<void> {
    co_await async_call(breaker, [] { return later(-1); });
  };
  for (int i = 0; i < 2; ++i) CHECK_THROWS_AS(std::rethrow_exception(run(fail(orders))), boost::system::system_error);
  CHECK(orders.state() == State::open);
  CHECK_THROWS_AS(std::rethrow_exception(run(fail(orders))), Rejected);
  CHECK(orders.snapshot().totals.failure == 2);
}

TEST_CASE("a cancelled async_call is neutral, and so is one that is destroyed while it waits") {
  CircuitBreaker orders = Builder("orders").consecutive_failures(1).build();
  const auto cancel = [](CircuitBreaker& breaker) -> asio::awaitable<void> { co_await async_call(breaker, &aborted); };
  CHECK(run(cancel(orders)));
  CHECK(orders.snapshot().totals.neutral == 1);
  {
    asio::io_context io;
    asio::co_spawn(
        io, [&orders]() -> asio::awaitable<void> { co_await async_call(orders, [] { return later(1); }); },
        [](std::exception_ptr) {});
    io.run_one();  // begun, and never brought to its end
  }
  CHECK(orders.snapshot().totals.success == 0);
  CHECK(orders.state() == State::closed);
}

}  // namespace
}  // namespace fusewire::breaker
