// SPDX-License-Identifier: Apache-2.0
// One listening socket of the admin API. Two of them may run: the whole API, and the read-only one for probes. Control
// thread; the connections run on the admin thread.
#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include "config/config.hpp"
#include "proxy/admin/router.hpp"
#include "proxy/net/listen.hpp"

namespace fusewire::proxy::admin {

class AdminThread;
class Connections;

class AdminServer {
 public:
  // Listens at once. Throws std::runtime_error with one clear line. Token, allowed hosts and the like are read from
  // the current snapshot at each request, so that a reload needs no new server unless the address changes.
  AdminServer(AdminThread&, const config::Address&, Interface, const ListenOptions& = {});
  // Connections that are idle are closed; an answer that is under way still goes out.
  ~AdminServer();
  AdminServer(const AdminServer&) = delete;
  AdminServer& operator=(const AdminServer&) = delete;

  std::uint16_t port() const { return port_; }  // 0 for a unix socket; any thread
  const config::Address& address() const { return address_; }

 private:
  AdminThread& thread_;
  const config::Address address_;
  std::shared_ptr<Connections> connections_;  // the admin thread's
  const std::uint16_t port_;
  SocketFile file_;  // of a unix socket
  std::uint64_t subscription_ = 0;
};

}  // namespace fusewire::proxy::admin
