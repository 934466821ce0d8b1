// SPDX-License-Identifier: Apache-2.0
// Opens a connection to an upstream: a slot of its max_connections, then an address of one of its endpoints, then
// the way there. One thread; driven by the coroutine of the exchange that needs the connection, which decides when to
// give up.
#pragma once

#include <functional>
#include <memory>

#include "proxy/net/connector.hpp"
#include "proxy/snapshot/snapshot.hpp"
#include "proxy/upstream/balancer.hpp"
#include "proxy/upstream/upstream_pool.hpp"
#include "proxy/upstream/worker_context.hpp"

namespace fusewire::proxy {

class Dial {
 public:
  // `news` wakes the coroutine, and `watcher` sets it when the connector has ended.
  Dial(WorkerContext& worker, const Upstream& upstream, Event& news, Watcher& watcher)
      : worker_(worker), upstream_(upstream), news_(news), watcher_(watcher) {}
  ~Dial() { cancel(); }

  // Asked after each wake-up: true ends the wait.
  using GiveUp = std::function<bool()>;

  // A slot for one more connection; room is made by closing an idle one, here or at another worker. False: there is
  // none to be had, or it was given up.
  Task<bool> acquire_slot(const GiveUp&);
  // With a slot acquired, which is given back where there is no connection; then outcome() says why, and it is
  // `pending` where it was given up. It is all over at `until`.
  struct Until {
    Time time = kNever;
    bool limited_by_connect_timeout = true;  // the configured time to connect, and not what the client has left
    milliseconds connect_within{1000};       // that time
  };
  // Fills in the address of a choice that had none.
  Task<std::unique_ptr<UpstreamConnection>> connect(Balancer::Choice&, Time now, const Until&, const GiveUp&);
  Outcome outcome() const { return outcome_; }
  bool is_resolving() const { return resolving_; }
  Time::duration held() const { return held_; }             // the last one's wait for its address, which was silent
  const TlsFault& tls_fault() const { return tls_fault_; }  // of Outcome::tls_error

  void cancel();

 private:
  Task<void> resolve(const Balancer::Choice&, Time now, const GiveUp&);
  Task<ConnectorPtr> reach(Backend&, const Until&, const GiveUp&);
  Task<ConnectorPtr> dial(const Backend&, const Until&, const GiveUp&, DialGate::Pass&);
  ConnectorPtr begin(const Backend&, const Until&, DialGate::Pass&);
  ConnectorPtr take(const ConnectorPtr& reached);
  void remember(const Backend&, bool reached, const Until&) const;
  Task<bool> secure(Channel&, const EndpointState&, const GiveUp&);

  WorkerContext& worker_;
  const Upstream& upstream_;
  Event& news_;
  Watcher& watcher_;
  ConnectorPtr connector_;
  Outcome outcome_ = Outcome::pending;
  bool resolving_ = false;
  Time::duration held_{};
  TlsFault tls_fault_;
};

}  // namespace fusewire::proxy
