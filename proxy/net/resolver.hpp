// SPDX-License-Identifier: Apache-2.0
// Looks names up off the loop: one thread, started by the first name. Nobody ever waits for it: when its owner goes, a
// look-up that is under way ends by itself and unheard.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "proxy/net/asio.hpp"
#include "proxy/net/loop.hpp"

namespace fusewire::proxy {

// Belongs to the loop's thread.
class Resolver {
 public:
  using Addresses = std::vector<Protocol::endpoint>;  // empty: the name does not resolve
  using Then = std::function<void(const Addresses&)>;

  explicit Resolver(Loop&);
  ~Resolver();
  Resolver(const Resolver&) = delete;
  Resolver& operator=(const Resolver&) = delete;

  // Calls back from the loop.
  void resolve(const std::string& host, std::uint16_t port, Then);

 private:
  struct Shared;
  static void work(const std::shared_ptr<Shared>&);
  std::shared_ptr<Shared> shared_;
};

}  // namespace fusewire::proxy
