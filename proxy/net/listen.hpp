// SPDX-License-Identifier: Apache-2.0
// Opens a listening socket, TCP or unix, or takes one that the process was started with.
#pragma once

#include <sys/types.h>

#include <boost/asio/basic_socket_acceptor.hpp>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "config/config.hpp"
#include "proxy/net/asio.hpp"
#include "proxy/net/passed_sockets.hpp"

namespace fusewire::proxy {

class ListeningSocket : public asio::basic_socket_acceptor<Protocol, Executor> {
 public:
  using asio::basic_socket_acceptor<Protocol, Executor>::basic_socket_acceptor;

  // The service manager has it open, too: what is done to the socket itself, and to its file, would outlast us.
  bool passed = false;
};

// What a listener's address stands for.
struct ListenAddresses {
  std::vector<Protocol::endpoint> endpoints;  // each once; empty: there are none
  error_code error = {};                      // why there are none
};
// Blocks for as long as the system's resolver takes, where the address is a name.
ListenAddresses addresses_to_listen_on(const config::Address&);

struct ListenOptions {
  bool beside_own = false;            // the port may be in use by a socket of ours that share_port() has prepared
  std::optional<unsigned> mode = {};  // of a unix socket's file; nothing: by the umask
  std::string shown = {};             // how an error names the address; empty: as it is
  std::optional<ListenAddresses> found = {};  // of the address, where it is a name; nothing: it is looked up
  PassedSockets* passed = nullptr;  // where one of these listens at the address, it is taken, and nothing is bound
};

// Throws std::runtime_error with one clear line. A unix socket that no process serves any more is replaced. Of a name,
// the first address is bound.
ListeningSocket listen_on(asio::io_context&, const config::Address&, const ListenOptions& = {});

// On every address of a name, at least one; those that this host does not have (IPv6 may be off) are passed over, with
// a line in the log. With port 0 all have the port that the first one got, where it is free.
std::vector<ListeningSocket> listen_on_all(asio::io_context&, const config::Address&, const ListenOptions& = {});

// The file of a unix socket that listens: removed with this object, or by remove(), unless another process has put its
// own there. Made after listen_on(), and removed before the socket is closed. Of a TCP address it does nothing, nor of
// a socket that was passed.
class SocketFile {
 public:
  explicit SocketFile(const config::Address&, bool passed = false);
  ~SocketFile() { remove(); }
  SocketFile(const SocketFile&) = delete;
  SocketFile& operator=(const SocketFile&) = delete;

  void set_mode(unsigned) const;
  void remove();

 private:
  bool is_ours() const;

  std::string path_;  // empty: there is none
  dev_t device_ = 0;
  ino_t inode_ = 0;
};

// Whether another socket of this user may be bound to the same port now (SO_REUSEPORT).
void share_port(int socket, bool);

// From now on no handshake begins; those that have begun can still complete, to be accepted. Without it, a connection
// that completes between the last accept and the close would be reset. On a unix socket no client can connect any more,
// and what is queued can be accepted.
void refuse_handshakes(ListeningSocket&);

// Undoes what a connection that was accepted after refuse_handshakes() may have inherited from it.
void forget_refusal(int connection);

// The port that it is bound to; 0 for a unix socket.
std::uint16_t port_of(const ListeningSocket&);

}  // namespace fusewire::proxy
