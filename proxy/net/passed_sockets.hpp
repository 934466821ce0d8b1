// SPDX-License-Identifier: Apache-2.0
// Listening sockets that the process was started with: systemd's socket activation, by the protocol of
// sd_listen_fds(3). The service manager keeps them open as well: it holds connections while no process serves them.
#pragma once

#include <string>
#include <utility>
#include <vector>

#include "proxy/net/asio.hpp"

namespace fusewire::proxy {

// What the environment says of them.
struct PassedVariables {
  std::string pid;    // LISTEN_PID: who they are for
  std::string fds;    // LISTEN_FDS: how many, from descriptor 3 on
  std::string names;  // LISTEN_FDNAMES: of each, with colons between; for messages alone
};

// Takes LISTEN_… out of the environment, so that no child takes them for its own. Before there are other threads.
void forget_passed_variables();

// Control thread; made before it begins. What is not taken is closed with it.
class PassedSockets {
 public:
  static constexpr int kFirst = 3;  // SD_LISTEN_FDS_START

  PassedSockets() = default;  // there are none
  // None where the variables are for another process. Throws std::runtime_error with one clear line: a variable is
  // malformed, or a descriptor is no listening stream socket. From here on no child inherits them.
  explicit PassedSockets(const PassedVariables&, int first = kFirst);
  ~PassedSockets();
  PassedSockets(const PassedSockets&) = delete;
  PassedSockets& operator=(const PassedSockets&) = delete;

  bool empty() const { return sockets_.empty(); }
  // The descriptor of the one that listens there, which is the caller's from then on; -1: none does.
  int take(const Protocol::endpoint&);
  // An error that names those at none of these endpoints, and those at the address of another; empty: there are none.
  std::string unwanted(const std::vector<Protocol::endpoint>& configured) const;

 private:
  struct PassedSocket {
    int fd;
    std::string name;
    Protocol::endpoint where;
    std::string shown;  // its address, as the configuration would have it
  };
  static PassedSocket look_at(int fd, std::string name);

  std::vector<PassedSocket> sockets_;
};

}  // namespace fusewire::proxy
