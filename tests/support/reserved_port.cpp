// SPDX-License-Identifier: Apache-2.0
#include "tests/support/reserved_port.hpp"

#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <system_error>

namespace fusewire::testing {

namespace {

int bound_socket(std::uint8_t host, std::uint16_t port) {
  const int fd = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  const int on = 1;
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(port);
  address.sin_addr.s_addr = htonl((INADDR_LOOPBACK & ~0xffU) | host);
  if (fd < 0 || ::setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on) != 0 ||
      ::bind(fd, reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0) {
    const int error = errno;
    if (fd >= 0) ::close(fd);
    throw std::system_error(error, std::generic_category(), "bind a test port");
  }
  return fd;
}

std::uint16_t port_of(int fd) {
  sockaddr_in address{};
  socklen_t size = sizeof address;
  ::getsockname(fd, reinterpret_cast<sockaddr*>(&address), &size);
  return ntohs(address.sin_port);
}

}  // namespace

ReservedPort::ReservedPort(std::uint8_t host, std::uint16_t number)
    : host_(host), holder_(bound_socket(host, number)), number_(port_of(holder_)) {}

ReservedPort::~ReservedPort() { ::close(holder_); }

int ReservedPort::listen() const {
  const int fd = bound_socket(host_, number_);
  if (::listen(fd, 512) != 0) {
    const int error = errno;
    ::close(fd);
    throw std::system_error(error, std::generic_category(), "listen on a test port");
  }
  return fd;
}

}  // namespace fusewire::testing
