// SPDX-License-Identifier: Apache-2.0
// Connections to upstreams that are one client connection's own, because an authentication of the connection (NTLM,
// Negotiate, Kerberos) goes on or has been done there: kept for its next request to that upstream, closed with it,
// never in the pool. Each holds its slot of max_connections meanwhile; they have half of the slots at most, so that no
// client can take an upstream from the others by signing in often. One thread; owned by the client connection's
// Inbound.
#pragma once

#include <atomic>
#include <memory>
#include <utility>
#include <vector>

#include "proxy/upstream/upstream_pool.hpp"

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
  // Before the response on a connection is passed on: one that can't be kept is lost now, so that the response says
  // that the client's connection ends.
  void reserve(const UpstreamConnection&, const std::shared_ptr<UpstreamState>&, std::uint32_t max_connections);
  // After the response, where something was reserved: to be kept, or not.
  void keep(std::unique_ptr<UpstreamConnection>, std::shared_ptr<EndpointState>);
  void release(const UpstreamState&);
  // Those to endpoints that are configured no longer end.
  void drop_retired();

  // One has ended while it was kept, or in the middle of a handshake: the client starts over, on a new connection.
  bool has_lost() const { return !lost_.empty(); }
  bool has_lost(const UpstreamState&) const;
  void lose(const UpstreamState&);

 private:
  // One slot of those that client connections may have for themselves at an upstream; the constructor's caller has
  // taken it.
  class Slot {
   public:
    explicit Slot(std::shared_ptr<UpstreamState> state) : state_(std::move(state)) {}
    Slot(Slot&&) = default;
    Slot& operator=(Slot&& other) noexcept {
      state_.swap(other.state_);
      return *this;
    }
    ~Slot() {
      if (state_) state_->bound_connections.fetch_sub(1, std::memory_order_relaxed);
    }
    const UpstreamState& upstream() const { return *state_; }

   private:
    std::shared_ptr<UpstreamState> state_;
  };

  // A read is pending on it, as in the pool.
  struct Kept final : Watcher {
    Kept(BoundConnections& o, Slot s, std::unique_ptr<UpstreamConnection> c, std::shared_ptr<EndpointState> e)
        : owner(o), slot(std::move(s)), connection(std::move(c)), endpoint(std::move(e)) {}
    void on_activity() override { owner.lose(*this); }

    BoundConnections& owner;
    Slot slot;
    std::unique_ptr<UpstreamConnection> connection;
    std::shared_ptr<EndpointState> endpoint;
  };
  void lose(Kept&);
  std::vector<Slot>::iterator slot_of(const UpstreamState&);

  Inbound& inbound_;
  std::vector<Slot> in_use_;                 // of connections that are in use, one an upstream
  std::vector<std::unique_ptr<Kept>> kept_;  // one an upstream
  std::vector<const UpstreamState*> lost_;   // compared only
};

}  // namespace fusewire::proxy
