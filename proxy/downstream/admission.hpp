// SPDX-License-Identifier: Apache-2.0
// Under which configuration a client's connection is served, and whether it is admitted under a new one, too.
#pragma once

#include <memory>

#include "proxy/downstream/client_address.hpp"
#include "proxy/downstream/http1_persistence.hpp"
#include "proxy/net/channel.hpp"
#include "proxy/snapshot/listener_gate.hpp"
#include "proxy/snapshot/snapshot.hpp"
#include "proxy/upstream/inbound.hpp"
#include "proxy/upstream/worker_context.hpp"

namespace fusewire::proxy {

// One a connection; the session owns it. One thread. It keeps the snapshot alive that the request at hand was admitted
// by. Use: adopt() before each request; look_ahead() where a configuration is published while one is served; let_go()
// where no further request comes. Invariants: a connection whose listener is gone, or admits others now, keeps the
// snapshot that it has: what it has begun, or has on its way, is served as it was admitted.
class Admission {
 public:
  // Fills in what Inbound::peer says of the connection.
  Admission(const WorkerContext&, const ListenerGate&, Channel& client, Inbound&, Http1Persistence&);

  // The worker's snapshot admits the next request. Ends the connection's persistence, or has it leave, where it may
  // not.
  void adopt() {
    if (snapshot_ != worker_.snapshot()) adopt_new();
  }
  // The worker's snapshot has changed: whether the request at hand is the last.
  void look_ahead();
  // For the rest of the connection, which may be long: nothing of it is asked any more.
  void let_go();

  const std::shared_ptr<const Snapshot>& snapshot() const { return snapshot_; }
  const Listener* listener() const { return listener_; }  // in snapshot(); nullptr: it has been removed

 private:
  void adopt_new();
  bool has_other_security(const Listener&) const;
  bool is_insecure_for(const Listener&) const;

  const WorkerContext& worker_;
  const ListenerGate& gate_;
  Channel& client_;
  Inbound& inbound_;
  Http1Persistence& persistence_;
  ClientAddress address_;
  std::shared_ptr<const Snapshot> snapshot_;
  const Listener* listener_ = nullptr;
};

}  // namespace fusewire::proxy
