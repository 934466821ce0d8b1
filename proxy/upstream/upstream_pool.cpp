// SPDX-License-Identifier: Apache-2.0
#include "proxy/upstream/upstream_pool.hpp"

#include <algorithm>

#include "proxy/net/clock.hpp"
#include "proxy/net/descriptors.hpp"

namespace fusewire::proxy {

Backend::~Backend() = default;

bool UpstreamConnection::acquire_slot(UpstreamState& state, std::uint32_t max) {
  return acquire_one(state.connections, max);
}

UpstreamConnection::UpstreamConnection(ChannelPtr channel, BackendPtr backend, std::shared_ptr<UpstreamState> state,
                                       std::size_t worker)
    : channel_(std::move(channel)),
      backend_(std::move(backend)),
      state_(std::move(state)),
      cells_(state_->cells.of(worker)),
      may_idle_(!is_reserved(channel_->descriptor(), Reserve::client)) {
  cells_.connections_opened.add();
  cells_.connections_active.add();
}

UpstreamConnection::~UpstreamConnection() {
  channel_->close();
  cells_.connections_active.subtract();
  state_->connections.fetch_sub(1, std::memory_order_relaxed);
}

void UpstreamConnection::on_activity() { pool_->remove(*this); }

UpstreamPool::UpstreamPool(DeadlineWheel& wheel) : sweep_(wheel, [this] { sweep(); }) {}
UpstreamPool::~UpstreamPool() { close_all(); }

std::unique_ptr<UpstreamConnection> UpstreamPool::take(Backend& backend, Time now, milliseconds keep) {
  auto& idle = backend.idle_;
  const auto is_good = [&](UpstreamConnection& one) {
    // Its end, or unsolicited bytes, may have been noted while the pool's turn is still to come.
    return one.channel_->is_silent() && now - one.idle_since_ < std::min(keep, one.keep_);
  };
  while (!idle.empty() && !is_good(*idle.back())) remove(*idle.back());
  if (idle.empty()) return nullptr;
  auto connection = std::move(idle.back());
  idle.pop_back();
  connection->channel_->watch(nullptr);
  connection->reused_ = true;
  connection->cells_.connections_idle.subtract();
  connection->cells_.connections_active.add();
  return connection;
}

void UpstreamPool::give_back(std::unique_ptr<UpstreamConnection> connection, Time now, milliseconds keep) {
  Channel& channel = connection->channel();
  Backend& backend = *connection->backend_;
  if (keep <= milliseconds::zero() || !channel.is_silent() || !connection->may_idle_ || backend.gone ||
      backend.idle_.size() >= kMaxIdle)
    return;
  channel.buffer().shrink();
  connection->cells_.connections_active.subtract();
  connection->cells_.connections_idle.add();
  connection->pool_ = this;
  connection->idle_since_ = now;
  connection->keep_ = keep;
  channel.watch(connection.get());
  backend.idle_.push_back(std::move(connection));
  if (!std::exchange(backend.listed_, true)) stocked_.emplace_back(&backend);
  channel.start_read();
  const Time look = now + std::max(keep, kSweep);
  if (look < sweep_.due()) sweep_.arm(look);
}

void UpstreamPool::remove(UpstreamConnection& gone) {
  const BackendPtr backend = gone.backend_;
  auto& idle = backend->idle_;
  gone.cells_.connections_idle.subtract();
  gone.cells_.connections_active.add();  // its destructor takes it from there
  idle.erase(std::find_if(idle.begin(), idle.end(), [&](const auto& entry) { return entry.get() == &gone; }));
}

bool UpstreamPool::evict_one(const UpstreamState& state) {
  for (const auto& backend : stocked_) {
    auto& idle = backend->idle_;
    if (idle.empty() || idle.front()->state_.get() != &state) continue;
    remove(*idle.front());
    return true;
  }
  return false;
}

bool UpstreamPool::evict_longest() {
  UpstreamConnection* longest = nullptr;
  for (const auto& backend : stocked_) {
    if (backend->idle_.empty()) continue;
    UpstreamConnection* const first = backend->idle_.front().get();
    if (longest == nullptr || first->idle_since_ < longest->idle_since_) longest = first;
  }
  if (longest != nullptr) remove(*longest);
  return longest != nullptr;
}

void UpstreamPool::retire(Backend& backend) {
  backend.gone = true;
  close_idle(backend);
}

void UpstreamPool::close_idle(Backend& backend) {
  while (!backend.idle_.empty()) remove(*backend.idle_.back());
}

void UpstreamPool::sweep() {
  const Time now = steady_now();
  Time next = kNever;
  for (const auto& backend : stocked_) {
    auto& idle = backend->idle_;
    for (std::size_t i = idle.size(); i-- > 0;) {
      const Time until = idle[i]->idle_since_ + idle[i]->keep_;
      if (now >= until)
        remove(*idle[i]);
      else
        next = std::min(next, until);
    }
    backend->listed_ = !idle.empty();
  }
  std::erase_if(stocked_, [](const BackendPtr& backend) { return !backend->listed_; });
  if (next != kNever) sweep_.arm(std::max(next, now + kSweep));
}

void UpstreamPool::close_all() {
  for (const auto& backend : stocked_) close_idle(*backend);
}

}  // namespace fusewire::proxy
