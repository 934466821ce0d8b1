// SPDX-License-Identifier: Apache-2.0
#include "proxy/snapshot/address_table.hpp"

#include <algorithm>
#include <iterator>

#include "proxy/net/random_seed.hpp"

namespace fusewire::proxy {

namespace {

// Addresses are equal where these are. Their operator< tells more apart: also the protocol that each was made with.
std::string_view bytes_of(const SocketAddress& address) {
  return {reinterpret_cast<const char*>(address.data()), address.size()};
}

}  // namespace

AddressTable::AddressTable(std::string upstream, config::CircuitBreaker settings)
    : upstream_(std::move(upstream)), settings_(std::move(settings)), seeds_(random_seed()) {}

AddressTable::AddressPtr AddressTable::find_or_make(const SocketAddress& address, const std::string& url, Time now) {
  const std::lock_guard lock(mutex_);
  if (const auto known = by_bytes_.find(bytes_of(address)); known != by_bytes_.end()) {
    Entry& entry = *known->second;
    if (entry.state.use_count() == 1) entry.state->health.restart(now);  // it is back
    entry.urls.insert(url);
    return entry.state;
  }
  make_room();
  auto made = std::make_shared<AddressState>(upstream_ + "/" + to_string(address), settings_, now, seeds_.next());
  if (on_new_) on_new_(made->name, made->breaker);
  const auto entry = entries_.insert(entries_.end(), {address, made, {url}});
  by_bytes_.emplace(bytes_of(entry->address), entry);
  return made;
}

// Where it is full, the oldest that nobody uses are forgotten, down to three quarters of kMaxAddresses. It is full
// again when there are at least a quarter more than stay now, so that such a look is paid for by many new ones.
void AddressTable::make_room() {
  constexpr std::size_t kKept = kMaxAddresses / 4 * 3;
  if (entries_.size() < room_) return;
  for (auto entry = entries_.begin(); entry != entries_.end() && entries_.size() > kKept;)
    entry = entry->state.use_count() == 1 ? forget(entry) : std::next(entry);
  room_ = std::max(kMaxAddresses, entries_.size() + entries_.size() / 4);
}

AddressTable::Entries::iterator AddressTable::forget(Entries::iterator entry) {
  by_bytes_.erase(bytes_of(entry->address));
  return entries_.erase(entry);
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
  for (auto entry = entries_.begin(); entry != entries_.end();) {
    std::erase_if(entry->urls, [&](const std::string& url) { return !urls.contains(url); });
    entry = entry->urls.empty() ? forget(entry) : std::next(entry);
  }
  room_ = kMaxAddresses;
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
