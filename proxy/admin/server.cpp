// SPDX-License-Identifier: Apache-2.0
#include "proxy/admin/server.hpp"

#include <unistd.h>

#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>

#include "proxy/admin/connections.hpp"

namespace fusewire::proxy::admin {

// Lets Control look around now and then.
struct AdminServer::Ticker : std::enable_shared_from_this<Ticker> {
  Ticker(asio::io_context& io, Control& wanted) : timer(io), control(wanted) {}

  void wait() {
    timer.expires_after(Control::kLook);
    timer.async_wait([self = shared_from_this()](const error_code& error) {
      if (error || self->stopped) return;
      self->control.look(std::chrono::steady_clock::now());
      self->wait();
    });
  }
  void stop() {
    stopped = true;
    timer.cancel();
  }

  asio::steady_timer timer;
  Control& control;
  bool stopped = false;
};

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
  if (door != Door::admin) return;
  ticker_ = std::make_shared<Ticker>(io, control);
  ticker_->wait();
}

AdminServer::~AdminServer() {
  if (ticker_) ticker_->stop();
  events_.unsubscribe(subscription_);
  connections_->close();
  if (address_.kind == config::Address::Kind::unix_socket) ::unlink(address_.path.c_str());
}

std::uint16_t AdminServer::port() const { return connections_->port(); }

}  // namespace fusewire::proxy::admin
