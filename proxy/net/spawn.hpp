// SPDX-License-Identifier: Apache-2.0
// Starts a coroutine that no other one awaits. What it throws is logged.
#pragma once

#include <boost/asio/co_spawn.hpp>
#include <exception>

#include "proxy/net/asio.hpp"
#include "proxy/net/task.hpp"
#include "proxy/observe/log.hpp"

namespace fusewire::proxy {

inline void log_failure(const char* what, const std::exception_ptr& thrown) {
  try {
    std::rethrow_exception(thrown);
  } catch (const std::exception& error) {
    log::error("a coroutine failed", {{"what", std::string_view(what)}, {"error", std::string_view(error.what())}});
  }
}

namespace detail {

struct Detached {
  struct promise_type {
    static void* operator new(std::size_t size) { return FramePool::allocate(size); }
    static void operator delete(void* frame, std::size_t size) { FramePool::release(frame, size); }
    Detached get_return_object() const noexcept { return {}; }
    std::suspend_never initial_suspend() const noexcept { return {}; }
    std::suspend_never final_suspend() const noexcept { return {}; }
    void return_void() const noexcept {}
    void unhandled_exception() const noexcept { std::terminate(); }
  };
};

inline Detached run_detached(Task<void> task, const char* what) {
  std::exception_ptr thrown;
  try {
    co_await task;
  } catch (...) {
    thrown = std::current_exception();
  }
  if (thrown) log_failure(what, thrown);
}

}  // namespace detail

// Runs at once, until it waits for the first time.
inline void spawn(Task<void> task, const char* what) { detail::run_detached(std::move(task), what); }

// The same for what is written with Asio's own operations; from the loop.
inline void spawn(asio::io_context& io, AsioTask<void> task, const char* what) {
  asio::co_spawn(io.get_executor(), std::move(task), [what](const std::exception_ptr& thrown) {
    if (thrown) log_failure(what, thrown);
  });
}

}  // namespace fusewire::proxy
