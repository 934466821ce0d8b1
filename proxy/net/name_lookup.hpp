// SPDX-License-Identifier: Apache-2.0
// A name looked up on a thread of its own, so that nobody waits for the system's resolver longer than they wish: a
// look-up that hangs is abandoned, with its thread.
#pragma once

#include <atomic>
#include <chrono>
#include <memory>
#include <string>
#include <utility>

#include "proxy/net/asio.hpp"
#include "proxy/net/resolver.hpp"

namespace fusewire::proxy {

// On the thread of `io`, which outlives it.
class NameLookup {
 public:
  explicit NameLookup(asio::io_context& io, Resolver resolver = resolve) : io_(io), resolver_(std::move(resolver)) {}

  // An address that is none of a name is there at once.
  AsioTask<Resolved> find(config::Address, std::chrono::steady_clock::time_point until);

  static constexpr int kMaxThreads = 8;  // look-ups that hang; with more, a name is not found

 private:
  asio::io_context& io_;
  Resolver resolver_;
  std::shared_ptr<std::atomic<int>> threads_ = std::make_shared<std::atomic<int>>(0);
};

}  // namespace fusewire::proxy
