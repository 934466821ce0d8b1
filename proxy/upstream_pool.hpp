// SPDX-License-Identifier: Apache-2.0
// A worker's connections to upstreams: those in use, owned by whoever uses them, and the idle ones, last in first out.
// An idle connection has a read pending, so that one that the upstream closed (or that says something unasked) is gone
// from the pool before it can be taken.
#pragma once

#include <memory>
#include <vector>

#include "proxy/net/channel.hpp"
#include "proxy/net/deadlines.hpp"
#include "proxy/upstream.hpp"

namespace fusewire::proxy {

// One connection, counted as long as it lives. A slot of the upstream's max_connections goes with it.
class UpstreamConnection {
 public:
  // Takes a slot of `state.connections`, or gives nothing when `max` are in use.
  static bool take_slot(UpstreamState& state, std::uint32_t max);

  UpstreamConnection(ChannelPtr channel, std::shared_ptr<UpstreamState> state, std::size_t worker);
  ~UpstreamConnection();  // closes and gives the slot back
  UpstreamConnection(const UpstreamConnection&) = delete;
  UpstreamConnection& operator=(const UpstreamConnection&) = delete;

  Channel& channel() { return *channel_; }
  UpstreamCells& cells() { return cells_; }
  bool reused() const { return reused_; }

 private:
  friend class UpstreamPool;
  ChannelPtr channel_;
  std::shared_ptr<UpstreamState> state_;
  UpstreamCells& cells_;
  bool reused_ = false;
};

class UpstreamPool {
 public:
  explicit UpstreamPool(DeadlineWheel& wheel);
  ~UpstreamPool();

  // The warmest idle connection to that endpoint, or nothing.
  std::unique_ptr<UpstreamConnection> take(std::size_t endpoint_id);
  // The response was read whole and both sides keep the connection.
  void give_back(std::size_t endpoint_id, std::unique_ptr<UpstreamConnection>, Time now);
  // Closes the idle connection that has waited longest, of any endpoint of that upstream: its slot is needed.
  bool evict_one(const UpstreamState&);
  void close_all();

 private:
  struct Idle;
  void remove(Idle&);
  void sweep();

  static constexpr std::size_t kMaxIdle = 512;  // an endpoint, per worker
  static constexpr std::chrono::seconds kIdleTimeout{60};

  std::vector<std::vector<std::unique_ptr<Idle>>> by_endpoint_;  // index: EndpointState::id
  Deadline sweep_;
};

}  // namespace fusewire::proxy
