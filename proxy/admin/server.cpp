// SPDX-License-Identifier: Apache-2.0
#include "proxy/admin/server.hpp"

#include <unistd.h>

#include <boost/asio/post.hpp>

#include "proxy/admin/connections.hpp"

namespace fusewire::proxy::admin {

AdminServer::AdminServer(asio::io_context& io, Control& control, const config::Address& address, Door door)
    : address_(address),
      connections_(std::make_shared<Connections>(io, control, door, listen_on(io, address))),
      events_(control.events()) {
  connections_->start();
  subscription_ = events_.subscribe([&io, weak = std::weak_ptr(connections_)] {
    asio::post(io, [weak] {
      if (const auto connections = weak.lock()) connections->wake_streams();
    });
  });
}

AdminServer::~AdminServer() {
  events_.unsubscribe(subscription_);
  connections_->close();
  if (address_.kind == config::Address::Kind::unix_socket) ::unlink(address_.path.c_str());
}

std::uint16_t AdminServer::port() const { return connections_->port(); }

}  // namespace fusewire::proxy::admin
