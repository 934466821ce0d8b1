// SPDX-License-Identifier: Apache-2.0
// The addresses of one endpoint, found again by what they are: a name's addresses come and go, their breakers and
// scores stay.
#pragma once

#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <utility>
#include <vector>

#include "config/config.hpp"
#include "proxy/net/resolver.hpp"
#include "proxy/snapshot/address_state.hpp"

namespace fusewire::proxy {

// Thread-safe: a mutex, taken when a worker hears of an address, by a reload and by those who look. Bounded: beyond
// kMaxAddresses the oldest that no worker uses is forgotten.
class AddressTable {
 public:
  using AddressPtr = std::shared_ptr<AddressState>;
  // Hears of each new breaker before traffic does.
  using OnNew = std::function<void(const std::string& name, breaker::Breaker&)>;

  AddressTable(std::string upstream, config::CircuitBreaker settings, OnNew on_new)
      : upstream_(std::move(upstream)), settings_(std::move(settings)), on_new_(std::move(on_new)) {}

  AddressPtr find_or_make(const SocketAddress&, Time now);
  // Those that a worker knows as the endpoint's own; for those who look.
  std::vector<AddressPtr> in_use() const;
  std::vector<AddressPtr> all() const;
  // Of the breakers, also of those to come.
  void reconfigure(const config::CircuitBreaker&, Time now);

 private:
  static constexpr std::size_t kMaxAddresses = 1024;
  struct Entry {
    SocketAddress address;
    AddressPtr state;
  };
  void make_room();

  const std::string upstream_;
  mutable std::mutex mutex_;
  config::CircuitBreaker settings_;
  const OnNew on_new_;
  std::vector<Entry> entries_;  // the oldest first
};

}  // namespace fusewire::proxy
