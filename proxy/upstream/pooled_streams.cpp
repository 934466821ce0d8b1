// SPDX-License-Identifier: Apache-2.0
#include "proxy/upstream/pooled_streams.hpp"

#include "filters/balance/hash_key.hpp"

namespace fusewire::proxy {

// ------------------------------------------------------------------------------------------------------ a stream

bool PooledStreams::choose_endpoint(Time now) {
  if (inbound_.bound && take_own_connection()) return true;
  const config::LoadBalancing& balancing = upstream_.config->load_balancing;
  const bool by_key = balancing.policy == config::BalancingPolicy::hash;
  choice_ = worker_.balancer().choose(upstream_, now, tried_, by_key ? hash_key() : 0, ask_breakers_);
  return !inbound_.bound || !inbound_.connection_bound || !inbound_.bound->has_lost(*upstream_.state);
}

std::uint64_t PooledStreams::hash_key() const {
  const Fields& fields = inbound_.request.fields;
  const std::string_view peer = inbound_.peer.address;
  const std::string_view client = inbound_.peer.trusted ? balance::forwarded_client(fields, peer) : peer;
  return balance::hash_key(upstream_.config->load_balancing.hash, fields, client);
}

// The client's own connection, where an authentication of the connection goes on. A leg of a handshake makes no sense
// on another one.
bool PooledStreams::take_own_connection() {
  auto own = inbound_.bound->take(upstream_);
  own_ = own.connection != nullptr;
  if (!own_) return false;
  choice_ = {{own.endpoint, BackendPtr(&own.connection->backend())}};
  connection_ = std::move(own.connection);
  return true;
}

const std::shared_ptr<EndpointState>& PooledStreams::endpoint() const {
  static const std::shared_ptr<EndpointState> kNone;
  return choice_.endpoint == nullptr ? kNone : *choice_.endpoint;
}

EndpointContext PooledStreams::context() const {
  if (!choice_.backend) return {};
  return choice_.backend->state->context(choice_.with_breaker, choice_.among_several);
}

UpstreamStream* PooledStreams::reuse(Time now, milliseconds keep_alive) {
  if (!connection_ && choice_.backend) connection_ = worker_.pool().take(*choice_.backend, now, keep_alive);
  if (!connection_) return nullptr;
  choice_.backend->state->mark_reachable();
  return begin();
}

UpstreamStream* PooledStreams::inject(std::uint16_t abort) {
  injected_ = std::make_unique<InjectedStream>(abort, upstream_.state->name, inbound_.request_id);
  return injected_.get();
}

Task<UpstreamStream*> PooledStreams::connect(Time now, const Dial::Until& until, const Dial::GiveUp& give_up) {
  connection_ = co_await dial_.connect(choice_, now, until, give_up);
  if (!connection_) co_return nullptr;
  co_return begin();
}

UpstreamStream* PooledStreams::begin() {
  return &exchange_.emplace(*connection_, upstream_.config->limits, worker_.scratch(), news_);
}

// ------------------------------------------------------------------------------------------------------ its end

void PooledStreams::bind_to_client() {
  if (!inbound_.bound) inbound_.bound = std::make_unique<BoundConnections>(inbound_);
  inbound_.bound->reserve(*connection_, upstream_.state, upstream_.config->limits.max_connections);
}

void PooledStreams::discard() {
  exchange_.reset();
  connection_.reset();
}

void PooledStreams::finish(const End& end) {
  if (connection_ && end.reusable) {
    connection_->channel().buffer().release();
    if (end.bound) return inbound_.bound->keep(std::move(connection_), endpoint());
    return worker_.pool().give_back(std::move(connection_), end.at, exchange_->keep_alive(end.keep_alive));
  }
  if (connection_ && needs_this_connection() && !end.answered) inbound_.bound->lose(*upstream_.state);
  if (inbound_.bound && end.bound) inbound_.bound->release(*upstream_.state);
  connection_.reset();
}

std::unique_ptr<UpstreamConnection> PooledStreams::take_connection() {
  connection_->channel().buffer().release();
  return std::move(connection_);
}

}  // namespace fusewire::proxy
