// SPDX-License-Identifier: Apache-2.0
// "Something happened": the one thing that a coroutine waits for. One thread, one waiter. What waits for this one may
// wait for another one beside it: whichever is set first ends the wait.
#pragma once

#include <coroutine>
#include <utility>

namespace fusewire::proxy {

class Event {
 public:
  Event() = default;
  Event(const Event&) = delete;
  Event& operator=(const Event&) = delete;

  // Resumes the waiter before it returns: the caller's last statement, for the waiter may destroy the caller.
  void set() {
    set_ = true;
    if (waiter_) std::exchange(waiter_, nullptr).resume();
  }

  // From the next wait() on, that ends with the other one, too, which has no other waiter meanwhile and outlives this.
  void wait_beside(Event& other) { beside_ = &other; }
  void wait_alone() { beside_ = this; }

  // Returns at once when set() was called since the last wait(); so too for the one beside it.
  auto wait() {
    struct Wait {
      Event& event;
      Event& beside;
      bool await_ready() const noexcept { return event.set_ || beside.set_; }
      void await_suspend(std::coroutine_handle<> waiter) const noexcept { event.waiter_ = beside.waiter_ = waiter; }
      void await_resume() const noexcept {
        event.set_ = beside.set_ = false;
        event.waiter_ = beside.waiter_ = nullptr;
      }
    };
    return Wait{*this, *beside_};
  }

 private:
  bool set_ = false;
  std::coroutine_handle<> waiter_;
  Event* beside_ = this;
};

}  // namespace fusewire::proxy
