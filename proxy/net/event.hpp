// SPDX-License-Identifier: Apache-2.0
// "Something happened": the one thing that a coroutine waits for. One thread, one waiter.
#pragma once

#include <coroutine>
#include <utility>

namespace fusewire::proxy {

class Event {
 public:
  // Resumes the waiter before it returns: the caller's last statement, for the waiter may destroy the caller.
  void set() {
    set_ = true;
    if (waiter_) std::exchange(waiter_, nullptr).resume();
  }

  // Returns at once when set() was called since the last wait().
  auto wait() {
    struct Wait {
      Event& event;
      bool await_ready() const noexcept { return event.set_; }
      void await_suspend(std::coroutine_handle<> waiter) const noexcept { event.waiter_ = waiter; }
      void await_resume() const noexcept { event.set_ = false; }
    };
    return Wait{*this};
  }

 private:
  bool set_ = false;
  std::coroutine_handle<> waiter_;
};

}  // namespace fusewire::proxy
