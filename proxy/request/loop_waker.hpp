// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>

#include "filters/step.hpp"
#include "proxy/net/event.hpp"
#include "proxy/net/loop.hpp"

namespace fusewire::proxy {

// Wakes a coroutine of this loop from whatever thread. The coroutine makes it, and listens to it while it waits.
class LoopWaker final : public Waker, public std::enable_shared_from_this<LoopWaker> {
 public:
  LoopWaker(Loop& loop, Event& event) : loop_(loop), event_(&event) {}

  void wake() noexcept override {
    loop_.post([self = shared_from_this()] {
      self->woken_ = true;
      if (self->event_ != nullptr) self->event_->set();
    });
  }

  // The rest: on the loop's thread.
  bool woken() const { return woken_; }

  // While this is there, the event is: after it a wake-up sets nothing.
  class Listening {
   public:
    explicit Listening(LoopWaker& waker) : waker_(waker) {}
    Listening(const Listening&) = delete;
    Listening& operator=(const Listening&) = delete;
    ~Listening() { waker_.event_ = nullptr; }

   private:
    LoopWaker& waker_;
  };

 private:
  Loop& loop_;
  Event* event_;
  bool woken_ = false;
};

}  // namespace fusewire::proxy
