// SPDX-License-Identifier: Apache-2.0
// Opens a listening socket, TCP or unix.
#pragma once

#include <boost/asio/basic_socket_acceptor.hpp>
#include <cstdint>

#include "config/config.hpp"
#include "proxy/net/asio.hpp"

namespace fusewire::proxy {

using ListeningSocket = asio::basic_socket_acceptor<Protocol, Executor>;

// Throws std::runtime_error with one clear line. A unix socket that nobody serves any more is replaced.
ListeningSocket listen_on(asio::io_context&, const config::Address&);

// From now on no handshake begins; those that have begun can still complete, to be accepted. Without it, a connection
// that completes between the last accept and the close would be reset. (TCP; does nothing on a unix socket.)
void refuse_handshakes(ListeningSocket&);

// The port that it is bound to; 0 for a unix socket.
std::uint16_t port_of(const ListeningSocket&);

}  // namespace fusewire::proxy
