// SPDX-License-Identifier: Apache-2.0
#include "proxy/upstream/dial_gate.hpp"

#include "proxy/net/clock.hpp"

namespace fusewire::proxy {

void DialGate::let_through(Time now) {
  while (!waiting_.empty()) {
    Pass& first = waiting_.front();
    first.dial_ = first.pacer_.begin(now);
    if (!first.dial_) return first.look_again_.arm(now + kPoll);
    waiting_.pop_front();
    first.look_again_.disarm();
    first.loop_.defer(first);
  }
}

DialGate::Pass::Pass(DialGate& gate, balance::DialPacer& pacer, Loop& loop, Watcher& watcher, Time now)
    : gate_(gate), pacer_(pacer), loop_(loop), watcher_(watcher), look_again_(loop.deadlines(), [this] {
        gate_.let_through(steady_now());
      }) {
  if (gate_.waiting_.empty()) dial_ = pacer_.begin(now);
  if (dial_) return;
  gate_.waiting_.push_back(*this);
  gate_.let_through(now);
}

DialGate::Pass::~Pass() {
  const bool was_waiting = is_linked();
  if (was_waiting) unlink();
  if (dial_ && !answered_) pacer_.unanswered(*dial_, steady_now());
  if (was_waiting) gate_.let_through(steady_now());
}

void DialGate::Pass::connected(Time now) {
  answered_ = true;
  pacer_.connected(*dial_, now);
  gate_.let_through(now);
}

void DialGate::Pass::refused(Time now) {
  answered_ = true;
  pacer_.refused();
  gate_.let_through(now);
}

}  // namespace fusewire::proxy
