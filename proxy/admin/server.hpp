// SPDX-License-Identifier: Apache-2.0
// The admin API's listening socket and its connections, all on the control thread. Two of them may run: the whole API,
// and the read-only one for probes.
#pragma once

#include <cstdint>
#include <memory>

#include "config/config.hpp"
#include "proxy/admin/router.hpp"
#include "proxy/net/asio.hpp"

namespace fusewire::proxy::admin {

class Connections;

class AdminServer {
 public:
  // Listens at once. Throws std::runtime_error with one clear line. Token, allowed hosts and the like are read from
  // the current snapshot at each request, so that a reload needs no new server unless the address changes.
  AdminServer(asio::io_context&, Control&, const config::Address&, Door);
  // On the control thread. Closes every connection; nothing of it touches `control` any more. Not from within a handler
  // (POST /admin/config/reload): post it, so that the answer goes out first.
  ~AdminServer();
  AdminServer(const AdminServer&) = delete;
  AdminServer& operator=(const AdminServer&) = delete;

  std::uint16_t port() const;  // 0 for a unix socket
  const config::Address& address() const { return address_; }

 private:
  struct Ticker;

  config::Address address_;
  std::shared_ptr<Connections> connections_;
  EventLog& events_;
  std::uint64_t subscription_ = 0;
  std::shared_ptr<Ticker> ticker_;  // of the door that is always there
};

}  // namespace fusewire::proxy::admin
