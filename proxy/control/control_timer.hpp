// SPDX-License-Identifier: Apache-2.0
// Has Control look around every Control::kPollInterval. On the thread of `io`, which is the control thread; destroyed
// there, or after it has stopped.
#pragma once

#include <boost/asio/steady_timer.hpp>
#include <memory>

#include "proxy/control/control.hpp"
#include "proxy/net/asio.hpp"

namespace fusewire::proxy {

class ControlTimer {
 public:
  ControlTimer(asio::io_context& io, Control& control) : loop_(std::make_shared<Loop>(io, control)) { loop_->wait(); }
  ~ControlTimer() {
    loop_->stopped = true;
    loop_->timer.cancel();
  }
  ControlTimer(const ControlTimer&) = delete;
  ControlTimer& operator=(const ControlTimer&) = delete;

 private:
  struct Loop : std::enable_shared_from_this<Loop> {
    Loop(asio::io_context& io, Control& wanted) : timer(io), control(wanted) {}

    void wait() {
      timer.expires_after(Control::kPollInterval);
      timer.async_wait([self = shared_from_this()](const error_code& error) {
        if (error || self->stopped) return;
        self->control.poll(std::chrono::steady_clock::now());
        self->wait();
      });
    }

    asio::steady_timer timer;
    Control& control;
    bool stopped = false;
  };

  std::shared_ptr<Loop> loop_;
};

}  // namespace fusewire::proxy
