// SPDX-License-Identifier: Apache-2.0
// The few socket calls that the benchmark's origin and relay share. IPv4 loopback only; any failure ends the program.
#pragma once

#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <string>

namespace bench {

inline int must(int result, const char* what) {
  if (result >= 0) return result;
  std::perror(what);
  std::exit(1);
}

inline sockaddr_in loopback(std::uint16_t port) {
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(port);
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  return address;
}

inline std::uint16_t port_of(const char* text) { return static_cast<std::uint16_t>(std::stoi(text)); }

inline void set_no_delay(int fd) {
  const int on = 1;
  must(::setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on), "TCP_NODELAY");
}

inline int listen_on(std::uint16_t port) {
  const int fd = must(::socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0), "socket");
  const int on = 1;
  must(::setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on), "SO_REUSEADDR");
  const sockaddr_in address = loopback(port);
  must(::bind(fd, reinterpret_cast<const sockaddr*>(&address), sizeof address), "bind");
  must(::listen(fd, 4096), "listen");
  return fd;
}

// -1 where nobody waits any more.
inline int accept_from(int listener) {
  const int fd = ::accept4(listener, nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC);
  if (fd >= 0) set_no_delay(fd);
  return fd;
}

// Events are level-triggered; `key` comes back with each.
inline void watch(int epoll, int operation, int fd, std::uint32_t events, void* key) {
  epoll_event event{};
  event.events = events;
  event.data.ptr = key;
  must(::epoll_ctl(epoll, operation, fd, &event), "epoll_ctl");
}

inline bool is_transient(int error) { return error == EAGAIN || error == EWOULDBLOCK || error == EINTR; }

}  // namespace bench
