// SPDX-License-Identifier: Apache-2.0
// Connections to upstreams that are one client connection's own, because an authentication of the connection (NTLM,
// Negotiate, Kerberos) goes on or has been done there: kept for its next request to that upstream, closed with it,
// never in the pool. Each holds its slot of max_connections meanwhile; they have half of the slots at most, so that no
// client can take an upstream from the others by signing in often. One thread; owned by the client connection's
// Inbound.
#pragma once

#include <memory>
#include <vector>

#include "proxy/upstream_pool.hpp"

namespace fusewire::proxy {

struct Inbound;
struct Upstream;

class BoundConnections {
 public:
  explicit BoundConnections(Inbound& inbound) : inbound_(inbound) {}
  BoundConnections(const BoundConnections&) = delete;
  BoundConnections& operator=(const BoundConnections&) = delete;

  bool has(const UpstreamState&) const;

  struct Taken {
    std::unique_ptr<UpstreamConnection> connection;            // nullptr: there is none, or it is of no use any more
    const std::shared_ptr<EndpointState>* endpoint = nullptr;  // in the snapshot
  };
  Taken take(const Upstream&);
  // Where it can't be kept it is lost.
  void keep(std::unique_ptr<UpstreamConnection>, std::shared_ptr<EndpointState>, std::uint32_t max_connections);
  // Those to endpoints that are configured no longer end.
  void drop_retired();

  // One has ended while it was kept, or in the middle of a handshake: the client starts over, on a new connection.
  bool has_lost() const { return !lost_.empty(); }
  bool has_lost(const UpstreamState&) const;
  void lose(const UpstreamState&);

 private:
  // A read is pending on it, as in the pool.
  struct Kept final : Watcher {
    Kept(BoundConnections& o, std::unique_ptr<UpstreamConnection> c, std::shared_ptr<EndpointState> e)
        : owner(o), connection(std::move(c)), endpoint(std::move(e)) {}
    ~Kept() { endpoint->upstream->bound_connections.fetch_sub(1, std::memory_order_relaxed); }
    void on_activity() override { owner.lose(*this); }

    BoundConnections& owner;
    std::unique_ptr<UpstreamConnection> connection;
    std::shared_ptr<EndpointState> endpoint;
  };
  void lose(Kept&);

  Inbound& inbound_;
  std::vector<std::unique_ptr<Kept>> kept_;  // one an upstream
  std::vector<const UpstreamState*> lost_;   // compared only
};

}  // namespace fusewire::proxy
