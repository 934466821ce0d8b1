// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include "tests/support/reserved_port.hpp"

namespace fusewire::testing {

// A port that neither accepts nor refuses: its backlog is full, so the kernel drops every further SYN.
class SilentPort {
 public:
  SilentPort() : listener_(port_.listen()) {
    ::listen(listener_, 0);
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(port_.number());
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    for (int& filler : fillers_) {
      filler = ::socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
      ::connect(filler, reinterpret_cast<const sockaddr*>(&address), sizeof address);
    }
  }
  ~SilentPort() {
    for (const int filler : fillers_) ::close(filler);
    ::close(listener_);
  }
  std::uint16_t number() const { return port_.number(); }

 private:
  ReservedPort port_;
  int listener_;
  int fillers_[4] = {};
};

}  // namespace fusewire::testing
