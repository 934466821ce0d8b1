// SPDX-License-Identifier: Apache-2.0
#include "proxy/upstream/bound_connections.hpp"

#include <algorithm>

#include "proxy/snapshot/snapshot.hpp"
#include "proxy/upstream/inbound.hpp"

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
  in_use_.push_back(std::move(kept->slot));
  return {std::move(connection), &*endpoint};
}

bool BoundConnections::has_lost(const UpstreamState& state) const {
  return std::find(lost_.begin(), lost_.end(), &state) != lost_.end();
}

void BoundConnections::lose(const UpstreamState& state) {
  if (!has_lost(state)) lost_.push_back(&state);
}

std::vector<BoundConnections::Slot>::iterator BoundConnections::slot_of(const UpstreamState& state) {
  return std::find_if(in_use_.begin(), in_use_.end(), [&](const Slot& slot) { return &slot.upstream() == &state; });
}

void BoundConnections::reserve(const UpstreamConnection& connection, const std::shared_ptr<UpstreamState>& state,
                               std::uint32_t max_connections) {
  if (!connection.may_idle_) return lose(*state);
  if (slot_of(*state) != in_use_.end()) return;
  if (!acquire_one(state->bound_connections, std::max(max_connections / 2, 1U))) return lose(*state);
  in_use_.emplace_back(state);
}

void BoundConnections::release(const UpstreamState& state) {
  if (const auto slot = slot_of(state); slot != in_use_.end()) in_use_.erase(slot);
}

void BoundConnections::keep(std::unique_ptr<UpstreamConnection> connection, std::shared_ptr<EndpointState> endpoint) {
  Channel& channel = connection->channel();
  const UpstreamState& state = *endpoint->upstream;
  const auto found = slot_of(state);
  if (found == in_use_.end() || has_lost(state)) return lose(state);
  Slot slot = std::move(*found);
  in_use_.erase(found);
  if (!channel.is_silent() || connection->backend().gone) return lose(state);
  connection->reused_ = true;
  channel.buffer().shrink();
  kept_.push_back(std::make_unique<Kept>(*this, std::move(slot), std::move(connection), std::move(endpoint)));
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
  inbound_.wake_soon(loop);
}

}  // namespace fusewire::proxy
