// SPDX-License-Identifier: Apache-2.0
// The names that a new configuration listens at, looked up off the control thread: that thread hears signals and
// overrides meanwhile, however long the system's resolver takes.
#pragma once

#include <functional>
#include <memory>
#include <vector>

#include "proxy/net/listen.hpp"

namespace fusewire::proxy {

// Control thread. A look-up that hangs when nobody waits for it any more is abandoned, with its thread. Where there are
// kMaxThreads of these the next one begins when one of them ends.
class ListenNames {
 public:
  using LookUp = std::function<ListenAddresses(const config::Address&)>;  // blocks; on any thread

  explicit ListenNames(asio::io_context& control, LookUp = addresses_to_listen_on);
  ~ListenNames();
  ListenNames(const ListenNames&) = delete;
  ListenNames& operator=(const ListenNames&) = delete;

  // Looks up those of the addresses that are names, and calls `then` on the control thread: before it returns where
  // there is none. A look-up that is under way is forgotten, and its `then` is not called.
  void look_up(std::vector<config::Address>, std::function<void()> then);
  void forget();
  // What was found; nothing for an address that was not looked up.
  std::optional<ListenAddresses> find(const config::Address&) const;

  static constexpr int kMaxThreads = 8;

 private:
  struct Shared;
  std::shared_ptr<Shared> shared_;
};

}  // namespace fusewire::proxy
