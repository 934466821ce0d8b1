// SPDX-License-Identifier: Apache-2.0
#include "proxy/upstream_pool.hpp"

#include <algorithm>

namespace fusewire::proxy {

struct UpstreamPool::Idle final : Watcher {
  Idle(UpstreamPool& p, std::size_t id, std::unique_ptr<UpstreamConnection> c, Time t)
      : pool(p), endpoint_id(id), connection(std::move(c)), since(t) {}

  void on_activity() override { pool.remove(*this); }  // closed, or bytes that nobody asked for

  UpstreamPool& pool;
  std::size_t endpoint_id;
  std::unique_ptr<UpstreamConnection> connection;
  Time since;
};

bool UpstreamConnection::take_slot(UpstreamState& state, std::uint32_t max) {
  if (state.connections.fetch_add(1, std::memory_order_relaxed) < max) return true;
  state.connections.fetch_sub(1, std::memory_order_relaxed);
  return false;
}

UpstreamConnection::UpstreamConnection(ChannelPtr channel, std::shared_ptr<UpstreamState> state, std::size_t worker)
    : channel_(std::move(channel)), state_(std::move(state)), cells_(state_->cells.of(worker)) {
  cells_.connections_opened.add();
  cells_.connections_active.add();
}

UpstreamConnection::~UpstreamConnection() {
  channel_->close();
  cells_.connections_active.subtract();
  state_->connections.fetch_sub(1, std::memory_order_relaxed);
}

UpstreamPool::UpstreamPool(DeadlineWheel& wheel) : sweep_(wheel, [this] { sweep(); }) {}
UpstreamPool::~UpstreamPool() { close_all(); }

std::unique_ptr<UpstreamConnection> UpstreamPool::take(std::size_t endpoint_id) {
  if (endpoint_id >= by_endpoint_.size() || by_endpoint_[endpoint_id].empty()) return nullptr;
  auto& idle = by_endpoint_[endpoint_id];
  // Its end, or bytes that nobody asked for, may have been noted while the pool's turn is still to come.
  while (!idle.empty() && !idle.back()->connection->channel_->is_silent()) remove(*idle.back());
  if (idle.empty()) return nullptr;
  auto connection = std::move(idle.back()->connection);
  idle.pop_back();
  connection->channel_->watch(nullptr);
  connection->reused_ = true;
  connection->cells_.connections_idle.subtract();
  connection->cells_.connections_active.add();
  return connection;
}

void UpstreamPool::give_back(std::size_t endpoint_id, std::unique_ptr<UpstreamConnection> connection, Time now) {
  Channel& channel = connection->channel();
  if (!channel.is_silent()) return;
  channel.buffer().shrink();
  if (endpoint_id >= by_endpoint_.size()) by_endpoint_.resize(endpoint_id + 1);
  auto& idle = by_endpoint_[endpoint_id];
  if (idle.size() >= kMaxIdle) return;
  connection->cells_.connections_active.subtract();
  connection->cells_.connections_idle.add();
  idle.push_back(std::make_unique<Idle>(*this, endpoint_id, std::move(connection), now));
  channel.watch(idle.back().get());
  channel.start_read();
  if (sweep_.due() == kNever) sweep_.arm(now + kIdleTimeout);
}

void UpstreamPool::remove(Idle& gone) {
  auto& idle = by_endpoint_[gone.endpoint_id];
  const auto found = std::find_if(idle.begin(), idle.end(), [&](const auto& entry) { return entry.get() == &gone; });
  gone.connection->cells_.connections_idle.subtract();
  gone.connection->cells_.connections_active.add();  // its destructor takes it from there
  idle.erase(found);
}

bool UpstreamPool::evict_one(const UpstreamState& state) {
  for (auto& idle : by_endpoint_) {
    if (idle.empty() || idle.front()->connection->state_.get() != &state) continue;
    remove(*idle.front());
    return true;
  }
  return false;
}

void UpstreamPool::sweep() {
  const Time now = std::chrono::steady_clock::now();
  bool any = false;
  for (auto& idle : by_endpoint_) {
    while (!idle.empty() && now - idle.front()->since >= kIdleTimeout) remove(*idle.front());
    any = any || !idle.empty();
  }
  if (any) sweep_.arm(now + kIdleTimeout / 4);
}

void UpstreamPool::close_all() {
  for (auto& idle : by_endpoint_)
    while (!idle.empty()) remove(*idle.back());
}

}  // namespace fusewire::proxy
