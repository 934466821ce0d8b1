// SPDX-License-Identifier: Apache-2.0
// Where dials wait while their address is silent: it has been reached before, and answers no SYN now. The gates of the
// workers make trials themselves, one of them each time, so that they depend on no request's time and no client's
// patience. When one is answered, the connection is the first one's that is late or waits, and all go on, some at a
// time; those of other workers a moment later (docs/decisions/0028). A dial that is late while one that was begun after
// it is answered has lost its SYN, which TCP would send again after a second: it begins again, as those go on that
// wait.
#pragma once

#include <boost/intrusive/list.hpp>
#include <list>
#include <utility>

#include "proxy/net/connector.hpp"
#include "proxy/net/deadlines.hpp"
#include "proxy/net/loop.hpp"
#include "proxy/net/watcher.hpp"
#include "proxy/snapshot/address_dials.hpp"

namespace fusewire::proxy {

// Of one address as one worker knows it. One thread. It outlives its passes, and the AddressDials outlive both.
// Invariant: where a pass waits or is late, the timer of the first one is armed.
class DialGate {
 public:
  class Pass;

  explicit DialGate(const SocketAddress& address) : address_(address) {}
  DialGate(const DialGate&) = delete;
  DialGate& operator=(const DialGate&) = delete;

 private:
  class Trial;
  using Hook = boost::intrusive::list_base_hook<boost::intrusive::link_mode<boost::intrusive::auto_unlink>>;
  using Waiting =
      boost::intrusive::list<Pass, boost::intrusive::base_hook<Hook>, boost::intrusive::constant_time_size<false>>;
  static constexpr int kFew = 2;             // dials without an answer make a silence
  static constexpr std::size_t kTrials = 4;  // at once; one more ends the oldest
  static constexpr unsigned kAtOnce = 4;     // go on together; so do as many a moment later
  static constexpr unsigned kForEach = 2;    // more go on for each that is answered

  bool is_silent() const { return unanswered_ >= kFew; }
  void look(Time now, unsigned allowed);
  void unanswered(Pass&, Time now);
  void open(Time now, unsigned allowed);
  void ended(Trial&);
  void let_go(Pass&, ConnectorPtr connected);
  Pass* first();

  const SocketAddress address_;
  Waiting waiting_;  // longest first
  Waiting late_;     // those that have begun and should have been answered
  std::list<Trial> trials_;
  int unanswered_ = 0;   // dials since the last answer that have waited for longer than one usually takes
  Time silent_since_{};  // when the first of these had waited so long
  Time due_{};           // when the first that waits looks again
};

// One dial of a request: made before it, destroyed when it has ended.
class DialGate::Pass final : public DialGate::Hook, Loop::Source {
 public:
  // `watcher` hears, in a later turn, when a pass that was not granted at once is. All of them outlive it.
  // `connect_within`: what a dial is given, and a trial.
  Pass(DialGate& gate, AddressDials& dials, milliseconds connect_within, Loop& loop, Watcher& watcher, Time now);
  ~Pass();
  Pass(const Pass&) = delete;
  Pass& operator=(const Pass&) = delete;

  bool is_granted() const { return granted_; }
  // Each time that a connector of its own is started.
  void begin(Time now);
  // True once, of one that was granted: its connector is to be replaced by a new one, or by that of a trial.
  bool takes_new_connector() { return std::exchange(again_, false); }
  // The trial that has reached the address, for this dial; else nullptr.
  ConnectorPtr take_connector() { return std::move(connector_); }
  // How a connector of its own has ended, where the address or the network has said so. One that ends otherwise tells
  // nothing.
  void connected(Time now);
  void refused(Outcome, Time now);
  // Whether a dial that begins now may usually expect an answer by then.
  bool has_time_until(Time) const;

 private:
  friend class DialGate;
  void note(std::uint32_t) override {}
  void act() override { watcher_.on_activity(); }
  bool may_begin_again() const;
  void on_due();
  milliseconds pause() const;
  Time patience() const;

  DialGate& gate_;
  AddressDials& dials_;
  const milliseconds connect_within_;
  Loop& loop_;
  Watcher& watcher_;
  Deadline timer_;  // of one that has begun and is not late, for an answer; else, of the first, for due_
  bool granted_ = false;
  bool again_ = false;
  int times_ = 0;  // it has begun
  Time begun_{};
  ConnectorPtr connector_;
};

// A dial of the gate's own.
class DialGate::Trial final : Watcher {
 public:
  Trial(DialGate& gate, const Pass& asked_by, Time now);
  ~Trial();
  Trial(const Trial&) = delete;
  Trial& operator=(const Trial&) = delete;

 private:
  friend class DialGate;
  void on_activity() override { gate_.ended(*this); }

  DialGate& gate_;
  AddressDials& dials_;
  const Time begun_;
  ConnectorPtr connector_;
  Deadline over_;
};

}  // namespace fusewire::proxy
