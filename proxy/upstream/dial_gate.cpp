// SPDX-License-Identifier: Apache-2.0
#include "proxy/upstream/dial_gate.hpp"

#include <algorithm>
#include <utility>

#include "proxy/net/clock.hpp"

namespace fusewire::proxy {

namespace {

constexpr milliseconds kPoll{20};        // while the address is silent, for what another worker may have found out
constexpr milliseconds kStep{5};         // between those that go on and the next ones
constexpr milliseconds kMinPatience{5};  // with an answer
constexpr milliseconds kMaxPause{500};   // between two trials; TCP itself sends a SYN again after a second

}  // namespace

// ------------------------------------------------------------------------------------------------------ the gate

// Lets some of those go on that wait, or sees to a trial.
void DialGate::look(Time now) {
  if (waiting_.empty()) return;
  if (is_silent() && waiting_.front().dials_.has_answered_since(silent_since_)) unanswered_ = 0;
  for (unsigned n = 0; n < kAtOnce && !waiting_.empty() && !is_silent(); ++n) grant_first(nullptr, now);
  if (waiting_.empty()) return;
  Pass& first = waiting_.front();
  if (is_silent() && first.dials_.take_trial(now, first.pause())) {
    if (trials_.size() == kTrials) trials_.pop_front();
    Trial& trial = trials_.emplace_back(*this, first, now);
    if (trial.connector_->done()) return ended(trial);
  }
  first.timer_.arm(now + (is_silent() ? kPoll : kStep));
}

// The dials that are under way are a trial, too.
void DialGate::unanswered(const Pass& pass, Time now) {
  if (++unanswered_ != kFew) return;
  silent_since_ = now;
  pass.dials_.take_trial(now, pass.pause());
}

void DialGate::answered(AddressDials& dials, Time now) {
  unanswered_ = 0;
  dials.note_answer(now);
  look(now);
}

void DialGate::grant_first(ConnectorPtr connected, Time now) {
  Pass& first = waiting_.front();
  waiting_.pop_front();
  first.begin_dial(now);
  if (connected) first.timer_.disarm();
  first.connector_ = std::move(connected);
  first.loop_.defer(first);
}

// A trial that has failed for want of something here says nothing of the address: its dials may fail each for itself.
void DialGate::ended(Trial& trial) {
  const Time now = steady_now();
  const ConnectorPtr connector = std::move(trial.connector_);
  AddressDials& dials = trial.dials_;
  trials_.remove_if([&](const Trial& one) { return &one == &trial; });
  if (connector->outcome() == Outcome::connect_timeout) return look(now);
  if (connector->is_connected() && !waiting_.empty()) grant_first(connector, now);
  if (connector->outcome() != Outcome::resource_exhausted) return answered(dials, now);
  unanswered_ = 0;
  look(now);
}

// ------------------------------------------------------------------------------------------------------ a dial

DialGate::Pass::Pass(DialGate& gate, AddressDials& dials, milliseconds connect_within, Loop& loop, Watcher& watcher,
                     Time now)
    : gate_(gate),
      dials_(dials),
      connect_within_(connect_within),
      loop_(loop),
      watcher_(watcher),
      timer_(loop.deadlines(), [this] { on_due(); }) {
  const bool waits_alone = gate_.waiting_.empty();
  if (waits_alone && !gate_.is_silent()) {
    begin_dial(now);
    return;
  }
  gate_.waiting_.push_back(*this);
  if (waits_alone) gate_.look(now);
}

DialGate::Pass::~Pass() {
  if (!is_linked()) return;
  unlink();
  gate_.look(steady_now());
}

void DialGate::Pass::begin_dial(Time now) {
  granted_ = true;
  begun_ = now;
  timer_.arm(patience());
}

void DialGate::Pass::on_due() {
  const Time now = loop_.deadlines().ticked();
  granted_ ? gate_.unanswered(*this, now) : gate_.look(now);
}

void DialGate::Pass::answered(Time now) {
  timer_.disarm();
  dials_.note_usual(now - begun_);
  gate_.answered(dials_, now);
}

// Well below the time to connect, so that who waits sees a trial in time.
milliseconds DialGate::Pass::pause() const { return std::min(connect_within_ / 2, kMaxPause); }

// Until when it should have been answered.
Time DialGate::Pass::patience() const {
  const auto usual = dials_.usual();
  if (!usual) return kNever;
  return begun_ + std::clamp<Time::duration>(4 * *usual, kMinPatience, std::max(connect_within_ / 2, kMinPatience));
}

// ------------------------------------------------------------------------------------------------------ a trial

DialGate::Trial::Trial(DialGate& gate, const Pass& asked_by, Time now)
    : gate_(gate),
      dials_(asked_by.dials_),
      connector_(new Connector(asked_by.loop_)),
      over_(asked_by.loop_.deadlines(),
            [this] { gate_.trials_.remove_if([this](const Trial& one) { return &one == this; }); }) {
  over_.arm(now + asked_by.connect_within_);
  connector_->start({gate.address_}, kNever, *this);
}

DialGate::Trial::~Trial() {
  if (connector_) connector_->cancel();
}

}  // namespace fusewire::proxy
