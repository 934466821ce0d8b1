// SPDX-License-Identifier: Apache-2.0
// Where dials wait while their address is silent, as its DialPacer says. The gate makes the trials itself, so that they
// depend on no request's time and no client's patience. When one is answered, the connection is the first one's that
// waits, and all go on, some at a time; where another worker has found it out, a moment later.
#pragma once

#include <boost/intrusive/list.hpp>
#include <list>
#include <optional>

#include "filters/balance/dial_pacer.hpp"
#include "proxy/net/connector.hpp"
#include "proxy/net/deadlines.hpp"
#include "proxy/net/loop.hpp"
#include "proxy/net/watcher.hpp"

namespace fusewire::proxy {

// Of one address as one worker knows it. One thread. It outlives its passes.
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
  static constexpr std::size_t kTrials = 4;  // at once; one more ends the oldest
  static constexpr unsigned kAtOnce = 8;  // dials of those that have waited; each that is answered lets so many go on

  void look(Time now);
  void begin_trial(Pass& first, Time now);
  void ended(Trial&);
  void grant_first(ConnectorPtr connected);

  const SocketAddress address_;
  Waiting waiting_;  // longest first; the first one's timer is armed
  std::list<Trial> trials_;
};

// One dial of a request: made before it, destroyed when it has ended.
class DialGate::Pass final : public DialGate::Hook, Loop::Source {
 public:
  // `watcher` hears, in a later turn, when a pass that was not granted at once is. All of them outlive it.
  // `connect_within`: what a dial is given, and a trial.
  Pass(DialGate& gate, balance::DialPacer& pacer, milliseconds connect_within, Loop& loop, Watcher& watcher, Time now);
  ~Pass();
  Pass(const Pass&) = delete;
  Pass& operator=(const Pass&) = delete;

  bool is_granted() const { return granted_; }
  // The trial that has reached the address, for this dial; else nullptr.
  ConnectorPtr take_connector() { return std::move(connector_); }
  // How the dial ended, as the pacer wants to know it. Without either it was not answered.
  void connected(Time now);
  void refused(Time now);

 private:
  friend class DialGate;
  void note(std::uint32_t) override {}
  void act() override { watcher_.on_activity(); }
  milliseconds longest_pause() const;

  DialGate& gate_;
  balance::DialPacer& pacer_;
  const milliseconds connect_within_;
  Loop& loop_;
  Watcher& watcher_;
  Deadline look_again_;
  bool granted_ = false;
  std::optional<balance::DialPacer::Dial> dial_;  // its own, until it has ended
  ConnectorPtr connector_;
};

// A dial of the gate's own.
class DialGate::Trial final : Watcher {
 public:
  Trial(DialGate& gate, const Pass& asked_by, const balance::DialPacer::Dial& dial, Time now);
  ~Trial();
  Trial(const Trial&) = delete;
  Trial& operator=(const Trial&) = delete;

 private:
  friend class DialGate;
  void on_activity() override { gate_.ended(*this); }

  DialGate& gate_;
  balance::DialPacer& pacer_;
  std::optional<balance::DialPacer::Dial> dial_;  // until it has ended
  ConnectorPtr connector_;
  Deadline over_;
};

}  // namespace fusewire::proxy
