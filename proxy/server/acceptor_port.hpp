// SPDX-License-Identifier: Apache-2.0
// One listening socket of the acceptor.
#pragma once

#include <boost/asio/steady_timer.hpp>
#include <memory>

#include "proxy/net/listen.hpp"
#include "proxy/server/acceptor.hpp"

namespace fusewire::proxy {

struct Acceptor::Port {
  Port(ListeningSocket opened, config::Address where, asio::io_context& io)
      : socket(std::move(opened)), address(std::move(where)), file(address, socket.passed), timer(io) {}

  ListeningSocket socket;
  const config::Address address;
  const std::uint16_t number = port_of(socket);  // 0: a unix socket
  SocketFile file;                               // goes before the socket is closed

  // The rest: acceptor thread.
  std::shared_ptr<ListenerGate> gate;
  std::uint32_t max_connections = 0;
  config::WhenFull when_full = config::WhenFull::refuse;
  asio::steady_timer timer;
  bool held = false;      // nothing is accepted until commit()
  bool resting = true;    // neither watched nor waiting for anything but commit()
  bool waits = false;     // for a connection to end
  bool asking = false;    // a worker has been asked to part with a client, and has not said whether it has
  bool paused = false;    // for want of descriptors
  bool shutting = false;  // what is queued is taken at once, to be served or refused
  bool closed = false;
};

}  // namespace fusewire::proxy
