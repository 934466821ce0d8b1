// SPDX-License-Identifier: Apache-2.0
// The time that a client has for what it owes: a request, the rest of a head or of a body.
#pragma once

#include <functional>
#include <utility>

#include "proxy/net/deadlines.hpp"

namespace fusewire::proxy {

// One a connection, for it owes one thing at a time; the session owns it. One thread. Use: allow() where the client is
// to begin with something new, extend() where it goes on; then look at passed() after each wake-up. Invariant: passed()
// stays true until allow() or forgive().
class ClientDeadline {
 public:
  ClientDeadline(DeadlineWheel& wheel, std::function<void()> wake)
      : wake_(std::move(wake)), deadline_(wheel, [this] { on_due(); }) {}

  void allow(Time due) {
    passed_ = false;
    deadline_.arm(due);
  }
  void extend(Time due) { deadline_.arm(due); }
  // The client owes nothing now.
  void disarm() { deadline_.disarm(); }
  // And has sent something although it was late with it.
  void forgive() {
    deadline_.disarm();
    passed_ = false;
  }
  Time due() const { return deadline_.due(); }
  bool passed() const { return passed_; }
  // Wakes those who wait for the client.
  void wake() { wake_(); }

 private:
  void on_due() {
    passed_ = true;
    wake_();
  }

  std::function<void()> wake_;
  Deadline deadline_;
  bool passed_ = false;
};

}  // namespace fusewire::proxy
