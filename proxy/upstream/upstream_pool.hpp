// SPDX-License-Identifier: Apache-2.0
// A worker's connections to upstreams: those in use, each owned by its user, and the idle ones of each backend,
// last in first out. An idle connection has a read pending, so that one that the upstream closed (or that says
// something unasked) is gone from the pool before it can be taken.
#pragma once

#include <boost/smart_ptr/intrusive_ptr.hpp>
#include <boost/smart_ptr/intrusive_ref_counter.hpp>
#include <memory>
#include <vector>

#include "proxy/net/channel.hpp"
#include "proxy/net/deadlines.hpp"
#include "proxy/snapshot/upstream.hpp"
#include "proxy/upstream/dial_gate.hpp"

namespace fusewire::proxy {

class UpstreamConnection;
class UpstreamPool;

// One address of an endpoint as one worker knows it.
struct Backend final : boost::intrusive_ref_counter<Backend, boost::thread_unsafe_counter> {
  explicit Backend(const SocketAddress& where, std::shared_ptr<AddressState> known = nullptr)
      : address(where), state(std::move(known)), dials(where) {}
  ~Backend();

  const SocketAddress address;
  const std::shared_ptr<AddressState> state;  // what all workers know of it
  DialGate dials;
  bool gone = false;  // from the name's answer, or from the configuration: its connections are not kept

 private:
  friend class UpstreamPool;
  std::vector<std::unique_ptr<UpstreamConnection>> idle_;
  bool listed_ = false;  // among the pool's stocked ones
};
using BackendPtr = boost::intrusive_ptr<Backend>;

// One connection, counted as long as it lives. A slot of the upstream's max_connections goes with it.
class UpstreamConnection final : Watcher {
 public:
  // Takes a slot of `state.connections`, or gives nothing when `max` are in use.
  static bool acquire_slot(UpstreamState& state, std::uint32_t max);

  UpstreamConnection(ChannelPtr, BackendPtr, std::shared_ptr<UpstreamState>, std::size_t worker);
  ~UpstreamConnection();  // closes and gives the slot back
  UpstreamConnection(const UpstreamConnection&) = delete;
  UpstreamConnection& operator=(const UpstreamConnection&) = delete;

  Channel& channel() { return *channel_; }
  UpstreamCells& cells() { return cells_; }
  Backend& backend() { return *backend_; }
  bool reused() const { return reused_; }
  Time idle_since() const { return idle_since_; }  // before it was used again

 private:
  friend class BoundConnections;
  friend class UpstreamPool;
  void on_activity() override;  // while idle: closed, or unsolicited bytes

  ChannelPtr channel_;
  BackendPtr backend_;
  std::shared_ptr<UpstreamState> state_;
  UpstreamCells& cells_;
  const bool may_idle_;  // false for the process's last descriptors: they are kept for new connections
  bool reused_ = false;
  UpstreamPool* pool_ = nullptr;  // where it was idle last
  Time idle_since_{};
  milliseconds keep_{};  // while idle
};

class UpstreamPool {
 public:
  explicit UpstreamPool(DeadlineWheel& wheel);
  ~UpstreamPool();

  // The warmest connection to that backend that has not been idle for `keep` or for as long as it was given back for;
  // or nothing.
  std::unique_ptr<UpstreamConnection> take(Backend&, Time now, milliseconds keep);
  // The response was read whole and both sides keep the connection, for that long while it is idle.
  void give_back(std::unique_ptr<UpstreamConnection>, Time now, milliseconds keep);
  // Closes the idle connection that has waited longest at some backend of that upstream: its slot is needed.
  bool evict_one(const UpstreamState&);
  // Of whichever upstream: the one that has been idle longest. False: none is.
  bool evict_longest();
  // None is kept from now on, and the idle ones end.
  void retire(Backend&);
  void close_all();

 private:
  friend class UpstreamConnection;
  void remove(UpstreamConnection&);
  void close_idle(Backend&);
  void sweep();

  static constexpr std::size_t kMaxIdle = 512;  // a backend, per worker
  static constexpr milliseconds kSweep{500};    // between two looks for those that are too old

  // Those with idle connections, and some that had some: an idle connection holds its backend, and this list both.
  std::vector<BackendPtr> stocked_;
  Deadline sweep_;
};

}  // namespace fusewire::proxy
