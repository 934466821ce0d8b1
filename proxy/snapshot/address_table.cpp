// SPDX-License-Identifier: Apache-2.0
#include "proxy/snapshot/address_table.hpp"

#include <algorithm>

#include "proxy/net/random_seed.hpp"

namespace fusewire::proxy {

AddressTable::AddressPtr AddressTable::find_or_make(const SocketAddress& address, const std::string& url, Time now) {
  const std::lock_guard lock(mutex_);
  const auto known =
      std::find_if(entries_.begin(), entries_.end(), [&](const Entry& entry) { return entry.address == address; });
  if (known != entries_.end()) {
    if (known->state.use_count() == 1) known->state->health.restart(now);  // it is back
    known->urls.insert(url);
    return known->state;
  }
  make_room();
  auto made = std::make_shared<AddressState>(upstream_ + "/" + to_string(address), settings_, now, random_seed());
  if (on_new_) on_new_(made->name, made->breaker);
  entries_.push_back({address, made, {url}});
  return made;
}

void AddressTable::make_room() {
  if (entries_.size() < kMaxAddresses) return;
  const auto unused =
      std::find_if(entries_.begin(), entries_.end(), [](const Entry& entry) { return entry.state.use_count() == 1; });
  entries_.erase(unused == entries_.end() ? entries_.begin() : unused);
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

void AddressTable::keep_only(const std::set<std::string_view>& urls) {
  const std::lock_guard lock(mutex_);
  std::erase_if(entries_, [&](Entry& entry) {
    std::erase_if(entry.urls, [&](const std::string& url) { return !urls.contains(url); });
    return entry.urls.empty();
  });
}

// ------------------------------------------------------------------------------------------------------ an endpoint's

// All users of this endpoint share one pointer. When it expires this endpoint has no user left, although other
// endpoints may still use the address.
EndpointAddresses::AddressPtr EndpointAddresses::find_or_make(const SocketAddress& address, Time now) {
  const std::lock_guard lock(mutex_);
  std::erase_if(used_, [](const auto& entry) { return entry.second.expired(); });
  for (const auto& [known, used] : used_)
    if (known == address)
      if (AddressPtr user = used.lock()) return user;
  const auto holder = std::make_shared<AddressPtr>(table_.find_or_make(address, url_, now));
  AddressPtr made(holder, holder->get());
  used_.emplace_back(address, made);
  inherited_.clear();
  return made;
}

std::vector<EndpointAddresses::AddressPtr> EndpointAddresses::in_use() const {
  const std::lock_guard lock(mutex_);
  std::vector<AddressPtr> list = inherited_;
  for (const auto& entry : used_)
    if (AddressPtr user = entry.second.lock()) list.push_back(std::move(user));
  return list;
}

}  // namespace fusewire::proxy
