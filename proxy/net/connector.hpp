// SPDX-License-Identifier: Apache-2.0
// Opens one connection to one of several addresses, which are tried in turn. One thread.
#pragma once

#include <boost/smart_ptr/intrusive_ptr.hpp>
#include <boost/smart_ptr/intrusive_ref_counter.hpp>
#include <vector>

#include "filters/outcome.hpp"
#include "filters/time.hpp"
#include "proxy/net/channel.hpp"
#include "proxy/net/deadlines.hpp"
#include "proxy/net/resolver.hpp"

namespace fusewire::proxy {

class Connector final : public Loop::Source,
                        public boost::intrusive_ref_counter<Connector, boost::thread_unsafe_counter> {
 public:
  explicit Connector(Loop& loop) : loop_(loop), patience_(loop.deadlines(), [this] { on_due(); }) {}
  ~Connector() { drop(); }

  // At least one address; a unix socket stands alone. Each gets half of the time that is left until `until`, the last
  // all of it; the caller gives up then. The watcher hears of the end, unless cancel() came first.
  void start(std::vector<SocketAddress>, Time until, Watcher& watcher);
  void cancel();

  bool done() const { return done_; }
  Outcome outcome() const { return outcome_; }  // pending: connected
  bool is_connected() const { return done_ && outcome_ == Outcome::pending && descriptor_ >= 0; }
  std::size_t tried() const { return next_; }  // so many of the addresses; the last of them is the one connected to
  bool was_late(std::size_t i) const { return late_[i]; }  // the i-th did not fail, but took longer than its time
  int take_descriptor();                                   // of the connection made

 private:
  void note(std::uint32_t) override {}
  void act() override;
  void on_due();
  void try_next();
  void try_it();
  void try_again_later();
  int begin(const SocketAddress&);
  void fail(int error);
  void finish(Outcome);
  void drop();

  Loop& loop_;
  Deadline patience_;      // with the address that is being tried, or until it is tried again
  milliseconds again_{0};  // its queue is full, and it is tried again after so long; 0: it is not
  Watcher* watcher_ = nullptr;
  std::vector<SocketAddress> addresses_;
  std::vector<bool> late_;
  Time until_ = kNever;
  std::size_t next_ = 0;
  int descriptor_ = -1;
  Outcome outcome_ = Outcome::pending;
  bool done_ = false;
};

using ConnectorPtr = boost::intrusive_ptr<Connector>;

}  // namespace fusewire::proxy
