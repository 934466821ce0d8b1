// SPDX-License-Identifier: Apache-2.0
// Opens a listening socket, TCP or unix.
#pragma once

#include <boost/asio/basic_socket_acceptor.hpp>
#include <cstdint>

#include "config/config.hpp"
#include "proxy/net/asio.hpp"

namespace fusewire::proxy {

using ListeningSocket = asio::basic_socket_acceptor<Protocol, Executor>;

// Throws std::runtime_error with one clear line. A unix socket that nobody serves any more is replaced. `beside_own`:
// the port may be in use by a socket of this process that share_port() has prepared.
ListeningSocket listen_on(asio::io_context&, const config::Address&, bool beside_own = false);

// Whether another socket of this user may be bound to the same port now (SO_REUSEPORT).
void share_port(int socket, bool);

// From now on no handshake begins; those that have begun can still complete, to be accepted. Without it, a connection
// that completes between the last accept and the close would be reset. On a unix socket nobody connects any more, and
// what is queued can be accepted.
void refuse_handshakes(ListeningSocket&);

// What a connection that was accepted after refuse_handshakes() may have inherited of it, undone.
void forget_refusal(int connection);

// The port that it is bound to; 0 for a unix socket.
std::uint16_t port_of(const ListeningSocket&);

}  // namespace fusewire::proxy
