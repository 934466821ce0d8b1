// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>

#include "filters/step.hpp"
#include "proxy/net/event.hpp"
#include "proxy/net/loop.hpp"

namespace fusewire::proxy {

// Wakes a coroutine of this loop from whatever thread. The coroutine makes it, and forgets it before its event ends.
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
  void forget() { event_ = nullptr; }  // nobody listens any more

 private:
  Loop& loop_;
  Event* event_;
  bool woken_ = false;
};

}  // namespace fusewire::proxy
