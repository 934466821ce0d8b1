// SPDX-License-Identifier: Apache-2.0
// Where dials wait that the address' DialPacer does not let begin. When one of them has been answered all go on: those
// of this worker at once, others' a moment later.
#pragma once

#include <boost/intrusive/list.hpp>
#include <optional>

#include "filters/balance/dial_pacer.hpp"
#include "proxy/net/deadlines.hpp"
#include "proxy/net/loop.hpp"
#include "proxy/net/watcher.hpp"

namespace fusewire::proxy {

// Of one address as one worker knows it. One thread. It outlives its passes.
class DialGate {
 public:
  class Pass;

  DialGate() = default;
  DialGate(const DialGate&) = delete;
  DialGate& operator=(const DialGate&) = delete;

 private:
  using Hook = boost::intrusive::list_base_hook<boost::intrusive::link_mode<boost::intrusive::auto_unlink>>;
  using Waiting =
      boost::intrusive::list<Pass, boost::intrusive::base_hook<Hook>, boost::intrusive::constant_time_size<false>>;
  static constexpr milliseconds kPoll{10};  // what other workers have found out

  void let_through(Time now);

  Waiting waiting_;  // longest first; the first one's timer is armed
};

// One dial: made before it, destroyed when it has ended.
class DialGate::Pass final : public DialGate::Hook, Loop::Source {
 public:
  // `watcher` hears, in a later turn, when a pass that was not granted at once is. All of them outlive it.
  Pass(DialGate& gate, balance::DialPacer& pacer, Loop& loop, Watcher& watcher, Time now);
  ~Pass();
  Pass(const Pass&) = delete;
  Pass& operator=(const Pass&) = delete;

  bool is_granted() const { return dial_.has_value(); }
  // How the dial ended, as the pacer wants to know it. Without either it was not answered.
  void connected(Time now);
  void refused(Time now);

 private:
  friend class DialGate;
  void note(std::uint32_t) override {}
  void act() override { watcher_.on_activity(); }

  DialGate& gate_;
  balance::DialPacer& pacer_;
  Loop& loop_;
  Watcher& watcher_;
  Deadline look_again_;
  std::optional<balance::DialPacer::Dial> dial_;
  bool answered_ = false;
};

}  // namespace fusewire::proxy
