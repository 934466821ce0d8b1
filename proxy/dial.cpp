// SPDX-License-Identifier: Apache-2.0
#include "proxy/dial.hpp"

namespace fusewire::proxy {

namespace {

constexpr milliseconds kPlacePoll{5};  // until another worker has made room

Time steady_now() { return std::chrono::steady_clock::now(); }

std::uint64_t idle_connections(const UpstreamState& state) {
  return state.cells.sum([](const UpstreamCells& cells) { return cells.connections_idle.value(); });
}

}  // namespace

// Where all are taken and some are idle, an idle one makes room: ours at once, or another worker's a moment later. One
// look more where none is idle: another worker may have sent its response's last byte and not have come to give the
// connection back.
Task<bool> Dial::take_place(const GiveUp& give_up) {
  UpstreamState& state = *upstream_.state;
  const std::uint32_t max = upstream_.config->limits.max_connections;
  Deadline look_again(worker_.deadlines(), [this] { news_.set(); });
  bool taken = UpstreamConnection::take_slot(state, max);
  bool waited = false;
  while (!taken) {
    if (!worker_.pool().evict_one(state)) {
      const auto idle = idle_connections(state);
      if ((idle == 0 && waited) || give_up()) co_return false;
      if (idle > 0 && state.evict_elsewhere) state.evict_elsewhere();
      waited = true;
      look_again.arm(steady_now() + kPlacePoll);
      co_await news_.wait();
    }
    taken = UpstreamConnection::take_slot(state, max);
  }
  co_return true;
}

Task<std::unique_ptr<UpstreamConnection>> Dial::connect(const EndpointState& endpoint, Time now,
                                                        const GiveUp& give_up) {
  outcome_ = Outcome::pending;
  const ConnectorPtr connector(new Connector(worker_.loop(), worker_.address_book()));
  connector_ = connector;
  connector->start(endpoint.id, endpoint.address, upstream_.config->dns_refresh, now, watcher_);
  bool given_up = give_up();
  while (!connector->done() && !given_up) {
    co_await news_.wait();
    given_up = give_up();
  }
  outcome_ = connector->outcome();
  if (given_up || outcome_ != Outcome::pending) {
    cancel();
    upstream_.state->connections.fetch_sub(1, std::memory_order_relaxed);
    co_return nullptr;
  }
  auto connection = std::make_unique<UpstreamConnection>(
      ChannelPtr(new Channel(worker_.loop(), connector->take_descriptor(), worker_.buffers())), upstream_.state,
      worker_.index());
  connector_.reset();
  if (connection->channel().was_reset()) {  // the loop has no room for it
    outcome_ = Outcome::local_lack;
    connection.reset();
  }
  co_return connection;
}

void Dial::cancel() {
  if (connector_) connector_->cancel();
  connector_.reset();
}

}  // namespace fusewire::proxy
