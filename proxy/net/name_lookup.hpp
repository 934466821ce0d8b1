// SPDX-License-Identifier: Apache-2.0
// A name looked up on a thread of its own, so that nobody waits for the system's resolver longer than they wish: a
// look-up that hangs is left to itself. Those who ask for a name that is being looked up wait for the same thread, so
// that one bad name costs one thread, however often it is asked for.
#pragma once

#include <chrono>
#include <cstddef>
#include <memory>

#include "proxy/net/asio.hpp"
#include "proxy/net/resolver.hpp"

namespace fusewire::proxy {

// On the thread of `io`, which outlives it.
class NameLookup {
 public:
  explicit NameLookup(asio::io_context& io, Resolver resolver = resolve);

  // An address that is none of a name is there at once.
  AsioTask<Resolved> find(config::Address, std::chrono::steady_clock::time_point until);

  static constexpr std::size_t kMaxThreads = 64;  // names at a time; of more, none is found

 private:
  struct Waiter;
  struct Shared;
  class Waiting;

  asio::io_context& io_;
  std::shared_ptr<Shared> shared_;  // with the threads, which may outlive this
};

}  // namespace fusewire::proxy
