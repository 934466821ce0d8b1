// SPDX-License-Identifier: Apache-2.0
#include "proxy/upstream/dial_gate.hpp"

#include "proxy/net/clock.hpp"

namespace fusewire::proxy {

// Lets those go on that may, or sees to a trial and looks again a moment later.
void DialGate::look(Time now) {
  while (!waiting_.empty()) {
    Pass& first = waiting_.front();
    first.dial_ = first.pacer_.begin(now);
    if (!first.dial_) {
      begin_trial(first, now);
      if (!waiting_.empty()) waiting_.front().look_again_.arm(now + kPoll);
      return;
    }
    grant_first(nullptr);
  }
}

void DialGate::grant_first(ConnectorPtr connected) {
  Pass& first = waiting_.front();
  first.granted_ = true;
  first.connector_ = std::move(connected);
  waiting_.pop_front();
  first.look_again_.disarm();
  first.loop_.defer(first);
}

// Takes the place of one that has not been answered since.
void DialGate::begin_trial(Pass& first, Time now) {
  const auto dial = first.pacer_.begin_trial(now, first.longest_pause_);
  if (!dial) return;
  end_trial();
  pacer_ = &first.pacer_;
  trial_dial_ = dial;
  trial_.reset(new Connector(first.loop_));
  trial_->start({address_}, kNever, *this);
  trial_over_.emplace(first.loop_.deadlines(), [this] { end_trial(); });
  trial_over_->arm(now + 2 * first.longest_pause_);
  if (trial_->done()) on_activity();
}

void DialGate::on_activity() {
  const Time now = steady_now();
  const ConnectorPtr ended = std::move(trial_);
  const auto dial = *std::exchange(trial_dial_, std::nullopt);
  switch (ended->outcome()) {
    case Outcome::pending:
      pacer_->connected(dial, now);
      if (!waiting_.empty()) grant_first(ended);
      break;
    case Outcome::connect_refused:
    case Outcome::connect_unreachable:
      pacer_->refused();
      break;
    default:
      pacer_->unanswered(dial, now);
      return;  // the next look is due
  }
  look(now);
}

void DialGate::end_trial() {
  if (!trial_) return;
  trial_->cancel();
  trial_.reset();
  pacer_->unanswered(*std::exchange(trial_dial_, std::nullopt), steady_now());
}

DialGate::Pass::Pass(DialGate& gate, balance::DialPacer& pacer, milliseconds longest_pause, Loop& loop,
                     Watcher& watcher, Time now)
    : gate_(gate),
      pacer_(pacer),
      longest_pause_(longest_pause),
      loop_(loop),
      watcher_(watcher),
      look_again_(loop.deadlines(), [this] { gate_.look(steady_now()); }) {
  if (gate_.waiting_.empty()) dial_ = pacer_.begin(now);
  granted_ = dial_.has_value();
  if (granted_) return;
  gate_.waiting_.push_back(*this);
  gate_.look(now);
}

DialGate::Pass::~Pass() {
  const bool was_waiting = is_linked();
  if (was_waiting) unlink();
  if (dial_) pacer_.unanswered(*dial_, steady_now());
  if (was_waiting) gate_.look(steady_now());
}

void DialGate::Pass::connected(Time now) {
  if (dial_) pacer_.connected(*std::exchange(dial_, std::nullopt), now);
  gate_.look(now);
}

void DialGate::Pass::refused(Time now) {
  if (!dial_) return;
  dial_.reset();
  pacer_.refused();
  gate_.look(now);
}

}  // namespace fusewire::proxy
