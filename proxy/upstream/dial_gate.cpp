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

// Lets up to so many of those go on that are late or wait, or sees to a trial.
void DialGate::look(Time now, unsigned allowed) {
  if (first() == nullptr) return;
  if (is_silent() && first()->dials_.has_answered_since(silent_since_)) unanswered_ = 0;
  for (; allowed > 0 && !is_silent(); --allowed) {
    const auto lost = std::find_if(late_.begin(), late_.end(), [](const Pass& pass) { return pass.may_begin_again(); });
    if (lost != late_.end())
      let_go(*lost, nullptr);
    else if (!waiting_.empty())
      let_go(waiting_.front(), nullptr);
    else
      break;
  }
  Pass* const next = first();
  if (next == nullptr) return;
  if ((is_silent() || !late_.empty()) && next->dials_.take_trial(now, next->pause())) {
    if (trials_.size() == kTrials) trials_.pop_front();
    Trial& trial = trials_.emplace_back(*this, *next, now);
    if (trial.connector_->done()) return ended(trial);
  }
  if (due_ <= now) due_ = kNever;
  due_ = std::min(due_, now + (is_silent() || waiting_.empty() ? kPoll : kStep));
  next->timer_.arm(due_);
}

// Whose timer is the gate's.
DialGate::Pass* DialGate::first() {
  if (!waiting_.empty()) return &waiting_.front();
  return late_.empty() ? nullptr : &late_.front();
}

// The second one since an answer to anybody makes a silence. The first trial of those that are late they are
// themselves.
void DialGate::unanswered(Pass& pass, Time now) {
  late_.push_back(pass);
  if (!is_silent() && pass.dials_.has_answered_since(silent_since_)) unanswered_ = 0;
  if (unanswered_ == 0) silent_since_ = now;
  if (++unanswered_ == 1) pass.dials_.take_trial(now, pass.pause());
  look(now, 0);
}

void DialGate::open(Time now, unsigned allowed) {
  unanswered_ = 0;
  look(now, allowed);
}

// With a trial's connection, or without.
void DialGate::let_go(Pass& pass, ConnectorPtr connected) {
  pass.unlink();
  pass.timer_.disarm();
  pass.again_ = std::exchange(pass.granted_, true);
  pass.connector_ = std::move(connected);
  pass.loop_.defer(pass);
}

void DialGate::ended(Trial& trial) {
  const Time now = steady_now();
  const ConnectorPtr connector = std::move(trial.connector_);
  AddressDials& dials = trial.dials_;
  const Time begun = trial.begun_;
  trials_.remove_if([&](const Trial& one) { return &one == &trial; });
  const Outcome outcome = connector->outcome();
  if (outcome == Outcome::connect_timeout) return look(now, 0);
  // One that has failed for want of something here says nothing of the address: at no worker is it waited for.
  if (outcome == Outcome::resource_exhausted)
    dials.open(now);
  else if (outcome != Outcome::connect_unreachable)
    dials.note_answer(begun, now);
  if (connector->is_connected() && first() != nullptr) let_go(late_.empty() ? *first() : late_.front(), connector);
  open(now, kAtOnce);
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
  granted_ = waits_alone && !gate_.is_silent();
  if (granted_) return;
  gate_.waiting_.push_back(*this);
  if (waits_alone) gate_.look(now, kAtOnce);
}

DialGate::Pass::~Pass() {
  if (!is_linked()) return;
  unlink();
  gate_.look(steady_now(), 0);
}

void DialGate::Pass::begin(Time now) {
  begun_ = now;
  ++times_;
  timer_.arm(patience());
}

void DialGate::Pass::on_due() {
  const Time now = loop_.deadlines().ticked();
  is_linked() ? gate_.look(now, kAtOnce) : gate_.unanswered(*this, now);
}

void DialGate::Pass::connected(Time now) {
  timer_.disarm();
  unlink();
  dials_.note_connected(begun_, now);
  gate_.open(now, kForEach);
}

// Where the network has refused, the address has not answered; others may find out for themselves all the same.
void DialGate::Pass::refused(Outcome outcome, Time now) {
  timer_.disarm();
  unlink();
  if (outcome == Outcome::connect_refused) dials_.note_answer(begun_, now);
  gate_.open(now, kForEach);
}

// At most; well below the time to connect, so that who waits sees a trial in time, and a trial has that time.
milliseconds DialGate::Pass::pause() const {
  constexpr int kAtATime = static_cast<int>(kTrials);
  return std::max({std::min(connect_within_ / 2, kMaxPause), connect_within_ / kAtATime, kMinPatience});
}

bool DialGate::Pass::has_time_until(Time time) const { return patience() <= time; }

// Until when it should have been answered: twice as long each time that it begins again, as the way may have become
// longer.
Time DialGate::Pass::patience() const {
  const auto usual = dials_.usual();
  if (!usual) return kNever;
  const Time::duration longest = std::max(connect_within_ / 2, kMinPatience);
  const int doubled = std::clamp(times_ - 1, 0, 10);
  return begun_ +
         std::min<Time::duration>(std::max<Time::duration>(4 * *usual, kMinPatience) * (1 << doubled), longest);
}

bool DialGate::Pass::may_begin_again() const { return dials_.has_passed_over(begun_); }

// ------------------------------------------------------------------------------------------------------ a trial

DialGate::Trial::Trial(DialGate& gate, const Pass& asked_by, Time now)
    : gate_(gate),
      dials_(asked_by.dials_),
      begun_(now),
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
