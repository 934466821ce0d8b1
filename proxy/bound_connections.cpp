// SPDX-License-Identifier: Apache-2.0
#include "proxy/bound_connections.hpp"

#include <algorithm>

#include "proxy/inbound.hpp"
#include "proxy/snapshot.hpp"

namespace fusewire::proxy {

bool BoundConnections::has(const UpstreamState& state) const {
  return std::any_of(kept_.begin(), kept_.end(),
                     [&](const auto& kept) { return kept->endpoint->upstream.get() == &state; });
}

BoundConnections::Taken BoundConnections::take(const Upstream& upstream) {
  const auto found = std::find_if(kept_.begin(), kept_.end(),
                                  [&](const auto& kept) { return kept->endpoint->upstream == upstream.state; });
  if (found == kept_.end()) return {};
  const std::unique_ptr<Kept> kept = std::move(*found);
  kept_.erase(found);
  auto& connection = kept->connection;
  const auto endpoint = std::find(upstream.endpoints.begin(), upstream.endpoints.end(), kept->endpoint);
  if (endpoint == upstream.endpoints.end() || connection->backend().gone || !connection->channel().is_silent()) {
    lose(*upstream.state);
    return {};
  }
  connection->channel().watch(nullptr);
  return {std::move(connection), &*endpoint};
}

bool BoundConnections::has_lost(const UpstreamState& state) const {
  return std::find(lost_.begin(), lost_.end(), &state) != lost_.end();
}

void BoundConnections::lose(const UpstreamState& state) {
  if (!has_lost(state)) lost_.push_back(&state);
}

void BoundConnections::keep(std::unique_ptr<UpstreamConnection> connection, std::shared_ptr<EndpointState> endpoint,
                            std::uint32_t max_connections) {
  Channel& channel = connection->channel();
  UpstreamState& state = *endpoint->upstream;
  const bool useless = !channel.is_silent() || connection->backend().gone || !connection->may_idle_;
  if (useless || !take_one(state.bound_connections, std::max(max_connections / 2, 1U))) return lose(state);
  connection->reused_ = true;
  channel.buffer().shrink();
  kept_.push_back(std::make_unique<Kept>(*this, std::move(connection), std::move(endpoint)));
  channel.watch(kept_.back().get());
  channel.start_read();
}

void BoundConnections::drop_retired() {
  for (std::size_t i = kept_.size(); i-- > 0;)
    if (kept_[i]->connection->backend().gone) lose(*kept_[i]);
}

// The session hears of it from the loop: it may destroy us.
void BoundConnections::lose(Kept& gone) {
  lose(*gone.endpoint->upstream);
  Loop& loop = gone.connection->channel().loop();
  std::erase_if(kept_, [&](const auto& kept) { return kept.get() == &gone; });
  loop.soon([session = inbound_.session.lock(), &event = inbound_.event] { event.set(); });
}

}  // namespace fusewire::proxy
