// SPDX-License-Identifier: Apache-2.0
// Whether an HTTP/1 client's connection takes a further request (RFC 9112 §9.3).
#pragma once

#include "proxy/net/channel.hpp"
#include "proxy/snapshot/listener_gate.hpp"
#include "proxy/upstream/inbound.hpp"
#include "proxy/upstream/worker_context.hpp"

namespace fusewire::proxy {

// One a connection: the session owns it, its writer asks it when a response's head is written. One thread. Invariants:
// what has ended stays ended, and what must close has `Connection: close` in its last response.
class Http1Persistence {
 public:
  Http1Persistence(const WorkerContext& worker, const ListenerGate& gate, Channel& client, const Inbound& inbound)
      : worker_(worker), gate_(gate), client_(client), inbound_(inbound) {}

  // No further request is read, for whatever reason.
  void end() { ended_ = true; }
  bool ended() const { return ended_; }
  // The listener is gone, or admits others now: the request at hand, or one that is on its way, is the last.
  void leave() { leaving_ = true; }
  bool leaving() const { return leaving_; }

  // Whether the response whose head is being written is the last. Also where clients wait for this connection's place.
  bool must_close() const;
  // The client itself ends the connection after its request.
  bool client_closes() const;
  // Whether what is left of the request's body is worth reading to keep the connection.
  bool rest_is_drainable() const;

 private:
  const WorkerContext& worker_;
  const ListenerGate& gate_;
  Channel& client_;
  const Inbound& inbound_;
  bool ended_ = false;
  bool leaving_ = false;
};

}  // namespace fusewire::proxy
