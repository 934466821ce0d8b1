// SPDX-License-Identifier: Apache-2.0
// "Something happened": the one thing that a session's coroutine waits for. One thread, one waiter.
#pragma once

#include <optional>
#include <utility>

#include "proxy/net/asio.hpp"

namespace fusewire::proxy {

class Event {
 public:
  // Resumes the waiter before it returns: the caller's last statement, for the waiter may destroy the caller.
  void set() {
    set_ = true;
    if (!waiter_) return;
    auto waiter = std::move(*waiter_);
    waiter_.reset();
    std::move(waiter)();
  }

  // Returns at once when set() was called since the last wait().
  Task<void> wait() {
    if (!set_) co_await suspend();
    set_ = false;
  }

 private:
  using Token = asio::use_awaitable_t<Executor>;
  using Waiter = asio::async_result<Token, void()>::handler_type;

  Task<void> suspend() {
    return asio::async_initiate<const Token, void()>([this](auto waiter) { waiter_.emplace(std::move(waiter)); },
                                                     use_task);
  }

  bool set_ = false;
  std::optional<Waiter> waiter_;
};

}  // namespace fusewire::proxy
