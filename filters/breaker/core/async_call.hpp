// SPDX-License-Identifier: Apache-2.0
// CircuitBreaker::call for coroutines. A header of its own, so that only files that include it need Asio.
#pragma once

#include <boost/asio/awaitable.hpp>
#include <boost/asio/error.hpp>
#include <boost/system/system_error.hpp>
#include <type_traits>
#include <utility>

#include "filters/breaker/core/circuit_breaker.hpp"

namespace fusewire::breaker {

// Awaits `op()`, an awaitable. What it throws is a failure and passes on, except operation_aborted: a cancelled
// operation says nothing about the other side, so it is neutral, and so is a coroutine destroyed while it waits. Throws
// Rejected without running `op`. `breaker` outlives the coroutine.
template <class Op, class Awaitable = std::invoke_result_t<Op&>>
Awaitable async_call(CircuitBreaker& breaker, Op op) {
  Call permit = breaker.acquire();
  try {
    if constexpr (std::is_void_v<typename Awaitable::value_type>) {
      co_await op();
      breaker.succeed(permit);
    } else {
      auto result = co_await op();
      breaker.succeed(permit);
      co_return result;
    }
  } catch (const boost::system::system_error& error) {
    if (error.code() == boost::asio::error::operation_aborted)
      permit.neutral();
    else
      breaker.fail(permit);
    throw;
  } catch (...) {
    breaker.fail(permit);
    throw;
  }
}

}  // namespace fusewire::breaker
