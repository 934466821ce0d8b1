// SPDX-License-Identifier: Apache-2.0
#include "proxy/upstream/dial_gate.hpp"

#include <algorithm>

#include "proxy/net/clock.hpp"

namespace fusewire::proxy {

// ------------------------------------------------------------------------------------------------------ the gate

// Lets those go on that may, or sees to a trial; and looks again a moment later: for a trial that is due, for what
// other workers have found out, and for those that go on next.
void DialGate::look(Time now) {
  constexpr milliseconds kPoll{10};
  for (unsigned granted = 0; !waiting_.empty() && granted < kAtOnce; ++granted) {
    Pass& first = waiting_.front();
    first.dial_ = first.pacer_.begin(now);
    if (!first.dial_) {
      begin_trial(first, now);
      break;
    }
    grant_first(nullptr);
  }
  if (waiting_.empty()) return;
  Pass& first = waiting_.front();
  first.look_again_.arm(now + std::clamp(first.longest_pause(), milliseconds(1), kPoll));
}

void DialGate::grant_first(ConnectorPtr connected) {
  Pass& first = waiting_.front();
  first.granted_ = true;
  first.connector_ = std::move(connected);
  waiting_.pop_front();
  first.look_again_.disarm();
  first.loop_.defer(first);
}

void DialGate::begin_trial(Pass& first, Time now) {
  const auto dial = first.pacer_.begin_trial(now, first.longest_pause());
  if (!dial) return;
  if (trials_.size() == kTrials) trials_.pop_front();
  Trial& trial = trials_.emplace_back(*this, first, *dial, now);
  if (trial.connector_->done()) ended(trial);
}

void DialGate::ended(Trial& trial) {
  const Time now = steady_now();
  const ConnectorPtr connector = std::move(trial.connector_);
  const auto dial = *std::exchange(trial.dial_, std::nullopt);
  balance::DialPacer& pacer = trial.pacer_;
  trials_.remove_if([&](const Trial& one) { return &one == &trial; });
  if (connector->is_connected()) {
    pacer.connected(dial, now);
    if (!waiting_.empty()) grant_first(connector);
  } else if (connector->was_refused()) {
    pacer.refused();
  } else {
    return pacer.unanswered(dial, now);  // the next look is due
  }
  look(now);
}

// ------------------------------------------------------------------------------------------------------ a dial

DialGate::Pass::Pass(DialGate& gate, balance::DialPacer& pacer, milliseconds connect_within, Loop& loop,
                     Watcher& watcher, Time now)
    : gate_(gate),
      pacer_(pacer),
      connect_within_(connect_within),
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

// Well below the time to connect, so that who waits sees a trial in time.
milliseconds DialGate::Pass::longest_pause() const { return std::min(connect_within_ / 2, milliseconds(500)); }

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

// ------------------------------------------------------------------------------------------------------ a trial

DialGate::Trial::Trial(DialGate& gate, const Pass& asked_by, const balance::DialPacer::Dial& dial, Time now)
    : gate_(gate),
      pacer_(asked_by.pacer_),
      dial_(dial),
      connector_(new Connector(asked_by.loop_)),
      over_(asked_by.loop_.deadlines(),
            [this] { gate_.trials_.remove_if([this](const Trial& one) { return &one == this; }); }) {
  over_.arm(now + asked_by.connect_within_);
  connector_->start({gate.address_}, kNever, *this);
}

DialGate::Trial::~Trial() {
  if (!dial_) return;
  connector_->cancel();
  pacer_.unanswered(*dial_, steady_now());
}

}  // namespace fusewire::proxy
