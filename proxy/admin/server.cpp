// SPDX-License-Identifier: Apache-2.0
#include "proxy/admin/server.hpp"

#include <utility>

#include "proxy/admin/connections.hpp"
#include "proxy/admin/thread.hpp"

namespace fusewire::proxy::admin {

AdminServer::AdminServer(AdminThread& thread, const config::Address& address, Interface interface,
                         const ListenOptions& options)
    : thread_(thread),
      address_(address),
      connections_(std::make_shared<Connections>(thread, interface, listen_on(thread.io(), address, options))),
      port_(connections_->port()),
      file_(address, connections_->has_passed_socket()) {
  thread_.post([connections = connections_] { connections->start(); });
  subscription_ = thread_.control().events().subscribe([&thread, weak = std::weak_ptr(connections_)] {
    thread.post([weak] {
      if (const auto connections = weak.lock()) connections->wake_streams();
    });
  });
}

AdminServer::~AdminServer() {
  thread_.control().events().unsubscribe(subscription_);
  thread_.run([this] { std::exchange(connections_, nullptr)->retire(); });  // the address is free from now on
  file_.remove();
}

}  // namespace fusewire::proxy::admin
