// SPDX-License-Identifier: Apache-2.0
// The addresses of one upstream, found again by what they are: a name's addresses come and go, and an endpoint may be
// spoken to in another way; their breakers and scores stay.
#pragma once

#include <functional>
#include <list>
#include <memory>
#include <mutex>
#include <set>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

#include "config/config.hpp"
#include "filters/balance/random.hpp"
#include "proxy/net/resolver.hpp"
#include "proxy/snapshot/address_state.hpp"

namespace fusewire::proxy {

// Thread-safe: a mutex, taken when a worker hears of an address, by a reload and by those who look. What somebody uses
// stays; configuration and DNS bound it. What nobody uses is kept while there is room (make_room).
class AddressTable {
 public:
  using AddressPtr = std::shared_ptr<AddressState>;
  // Hears of each new breaker before traffic does.
  using OnNew = std::function<void(const std::string& name, breaker::Breaker&)>;

  AddressTable(std::string upstream, config::CircuitBreaker settings);

  void announce_to(OnNew on_new) { on_new_ = std::move(on_new); }  // once, before traffic

  // `url`: the endpoint that it was found for. Two endpoints may have one address: it is one, with one breaker.
  AddressPtr find_or_make(const SocketAddress&, const std::string& url, Time now);
  std::vector<AddressPtr> all() const;
  // Of the breakers, also of those to come.
  void reconfigure(const config::CircuitBreaker&, Time now);
  // Forgets what was found for none of these endpoints.
  void keep_only(const std::set<std::string_view>& urls);

 private:
  static constexpr std::size_t kMaxAddresses = 4096;  // unless more are in use
  struct Entry {
    SocketAddress address;
    AddressPtr state;
    std::set<std::string, std::less<>> urls;
  };
  using Entries = std::list<Entry>;  // the oldest first

  void make_room();
  Entries::iterator forget(Entries::iterator);

  const std::string upstream_;
  mutable std::mutex mutex_;
  config::CircuitBreaker settings_;
  OnNew on_new_;
  balance::Random seeds_;  // of the breakers: the operating system's would cost more than all the rest
  Entries entries_;
  std::unordered_map<std::string_view, Entries::iterator> by_bytes_;  // of Entry::address, which stays where it is
  std::size_t room_ = kMaxAddresses;  // with so many, unused ones are forgotten before there is another
};

// Which of them are one endpoint's. Thread-safe, likewise.
class EndpointAddresses {
 public:
  using AddressPtr = AddressTable::AddressPtr;

  // The table outlives it.
  EndpointAddresses(AddressTable& table, std::string url) : table_(table), url_(std::move(url)) {}

  // Begins as the same endpoint was before it is spoken to in another way, until a worker knows it anew.
  void begin_with(const EndpointAddresses& before) { inherited_ = before.in_use(); }

  // Who has it uses it as this endpoint's.
  AddressPtr find_or_make(const SocketAddress&, Time now);
  // Those that a worker knows as the endpoint's own; for those who look.
  std::vector<AddressPtr> in_use() const;

 private:
  AddressTable& table_;
  const std::string url_;
  mutable std::mutex mutex_;
  std::vector<std::pair<SocketAddress, std::weak_ptr<AddressState>>> used_;  // expires with the last user
  std::vector<AddressPtr> inherited_;                                        // as long as none is used
};

}  // namespace fusewire::proxy
