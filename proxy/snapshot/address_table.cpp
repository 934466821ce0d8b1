// SPDX-License-Identifier: Apache-2.0
#include "proxy/snapshot/address_table.hpp"

#include <algorithm>

#include "proxy/net/random_seed.hpp"

namespace fusewire::proxy {

AddressTable::AddressPtr AddressTable::find_or_make(const SocketAddress& address, Time now) {
  const std::lock_guard lock(mutex_);
  const auto known =
      std::find_if(entries_.begin(), entries_.end(), [&](const Entry& entry) { return entry.address == address; });
  if (known != entries_.end()) {
    if (known->state.use_count() == 1) known->state->health.restart(now);  // it is back
    return known->state;
  }
  make_room();
  auto made = std::make_shared<AddressState>(upstream_ + "/" + to_string(address), settings_, now, random_seed());
  if (on_new_) on_new_(made->name, made->breaker);
  entries_.push_back({address, made});
  return made;
}

void AddressTable::make_room() {
  if (entries_.size() < kMaxAddresses) return;
  const auto unused =
      std::find_if(entries_.begin(), entries_.end(), [](const Entry& entry) { return entry.state.use_count() == 1; });
  entries_.erase(unused == entries_.end() ? entries_.begin() : unused);
}

std::vector<AddressTable::AddressPtr> AddressTable::in_use() const {
  const std::lock_guard lock(mutex_);
  std::vector<AddressPtr> list;
  for (const Entry& entry : entries_)
    if (entry.state.use_count() > 1) list.push_back(entry.state);
  return list;
}

std::vector<AddressTable::AddressPtr> AddressTable::all() const {
  const std::lock_guard lock(mutex_);
  std::vector<AddressPtr> list;
  for (const Entry& entry : entries_) list.push_back(entry.state);
  return list;
}

void AddressTable::reconfigure(const config::CircuitBreaker& settings, Time now) {
  const std::lock_guard lock(mutex_);
  settings_ = settings;
  for (const Entry& entry : entries_) entry.state->breaker.reconfigure(settings, now);
}

}  // namespace fusewire::proxy
