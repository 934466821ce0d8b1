// SPDX-License-Identifier: Apache-2.0
// Where dials wait while their address is silent, as its DialPacer says. The gate makes the trials itself, so that they
// depend on no request's time and no client's patience. When one is answered, the connection is the first one's that
// waits, and all go on; where another worker has found it out, a moment later.
#pragma once

#include <boost/intrusive/list.hpp>
#include <optional>

#include "filters/balance/dial_pacer.hpp"
#include "proxy/net/connector.hpp"
#include "proxy/net/deadlines.hpp"
#include "proxy/net/loop.hpp"
#include "proxy/net/watcher.hpp"

namespace fusewire::proxy {

// Of one address as one worker knows it. One thread. It outlives its passes.
class DialGate final : Watcher {
 public:
  class Pass;

  explicit DialGate(const SocketAddress& address) : address_(address) {}
  ~DialGate() { end_trial(); }
  DialGate(const DialGate&) = delete;
  DialGate& operator=(const DialGate&) = delete;

 private:
  using Hook = boost::intrusive::list_base_hook<boost::intrusive::link_mode<boost::intrusive::auto_unlink>>;
  using Waiting =
      boost::intrusive::list<Pass, boost::intrusive::base_hook<Hook>, boost::intrusive::constant_time_size<false>>;
  static constexpr milliseconds kPoll{10};  // whether a trial is due, and what other workers have found out

  void on_activity() override;  // a trial has ended
  void look(Time now);
  void begin_trial(Pass& first, Time now);
  void end_trial();
  void grant_first(ConnectorPtr connected);

  const SocketAddress address_;
  Waiting waiting_;  // longest first; the first one's timer is armed
  ConnectorPtr trial_;
  balance::DialPacer* pacer_ = nullptr;  // that of the trial
  std::optional<balance::DialPacer::Dial> trial_dial_;
  std::optional<Deadline> trial_over_;
};

// One dial: made before it, destroyed when it has ended.
class DialGate::Pass final : public DialGate::Hook, Loop::Source {
 public:
  // `watcher` hears, in a later turn, when a pass that was not granted at once is. All of them outlive it.
  // `longest_pause`: between two trials; each lasts for twice that at most.
  Pass(DialGate& gate, balance::DialPacer& pacer, milliseconds longest_pause, Loop& loop, Watcher& watcher, Time now);
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

  DialGate& gate_;
  balance::DialPacer& pacer_;
  const milliseconds longest_pause_;
  Loop& loop_;
  Watcher& watcher_;
  Deadline look_again_;
  bool granted_ = false;
  std::optional<balance::DialPacer::Dial> dial_;  // its own, until it has ended
  ConnectorPtr connector_;
};

}  // namespace fusewire::proxy
