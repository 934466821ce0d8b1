// SPDX-License-Identifier: Apache-2.0
// The system calls of connections, on descriptors of a VirtualNetwork. All others go to the system.
#include <netinet/in.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/uio.h>

#include <cerrno>
#include <cstring>

#include "tests/unit/proxy/request/schedules/virtual_network.hpp"

using fusewire::testing::Link;
using fusewire::testing::VirtualNetwork;

namespace {

Link* find(int descriptor) {
  VirtualNetwork* const network = VirtualNetwork::current();
  return network == nullptr ? nullptr : network->find(descriptor);
}

long result(long value) {
  if (value >= 0) return value;
  errno = static_cast<int>(-value);
  return -1;
}

}  // namespace

extern "C" {

int __real_socket(int family, int type, int protocol);
int __wrap_socket(int family, int type, int protocol) {
  if (VirtualNetwork::current() == nullptr || family != AF_INET) return __real_socket(family, type, protocol);
  return VirtualNetwork::current()->socket();
}

int __real_connect(int descriptor, const sockaddr* address, socklen_t size);
int __wrap_connect(int descriptor, const sockaddr* address, socklen_t size) {
  if (find(descriptor) == nullptr) return __real_connect(descriptor, address, size);
  sockaddr_in to{};
  std::memcpy(&to, address, sizeof to);
  VirtualNetwork::current()->connect(descriptor, ntohs(to.sin_port));
  return static_cast<int>(result(-EINPROGRESS));
}

int __real_getsockopt(int descriptor, int level, int name, void* value, socklen_t* size);
int __wrap_getsockopt(int descriptor, int level, int name, void* value, socklen_t* size) {
  const Link* const link = find(descriptor);
  if (link == nullptr) return __real_getsockopt(descriptor, level, name, value, size);
  const int error = link->connect_error();
  std::memcpy(value, &error, sizeof error);
  return 0;
}

int __real_setsockopt(int descriptor, int level, int name, const void* value, socklen_t size);
int __wrap_setsockopt(int descriptor, int level, int name, const void* value, socklen_t size) {
  return find(descriptor) == nullptr ? __real_setsockopt(descriptor, level, name, value, size) : 0;
}

int __real_getpeername(int descriptor, sockaddr* address, socklen_t* size);
int __wrap_getpeername(int descriptor, sockaddr* address, socklen_t* size) {
  const Link* const link = find(descriptor);
  if (link == nullptr) return __real_getpeername(descriptor, address, size);
  if (!link->is_connected()) return static_cast<int>(result(-ENOTCONN));
  sockaddr_in peer{};
  peer.sin_family = AF_INET;
  peer.sin_port = htons(link->port);
  peer.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  std::memcpy(address, &peer, sizeof peer);
  *size = sizeof peer;
  return 0;
}

ssize_t __real_recv(int descriptor, void* to, std::size_t size, int flags);
ssize_t __wrap_recv(int descriptor, void* to, std::size_t size, int flags) {
  Link* const link = find(descriptor);
  if (link == nullptr) return __real_recv(descriptor, to, size, flags);
  return result(link->read(static_cast<char*>(to), size, (flags & MSG_PEEK) != 0));
}

ssize_t __real_send(int descriptor, const void* from, std::size_t size, int flags);
ssize_t __wrap_send(int descriptor, const void* from, std::size_t size, int flags) {
  Link* const link = find(descriptor);
  if (link == nullptr) return __real_send(descriptor, from, size, flags);
  return result(link->write({static_cast<const char*>(from), size}));
}

ssize_t __real_sendmsg(int descriptor, const msghdr* message, int flags);
ssize_t __wrap_sendmsg(int descriptor, const msghdr* message, int flags) {
  Link* const link = find(descriptor);
  if (link == nullptr) return __real_sendmsg(descriptor, message, flags);
  std::string bytes;
  for (std::size_t i = 0; i < message->msg_iovlen; ++i)
    bytes.append(static_cast<const char*>(message->msg_iov[i].iov_base), message->msg_iov[i].iov_len);
  return result(link->write(bytes));
}

int __real_shutdown(int descriptor, int how);
int __wrap_shutdown(int descriptor, int how) {
  Link* const link = find(descriptor);
  if (link == nullptr) return __real_shutdown(descriptor, how);
  link->shut();
  return 0;
}

int __real_close(int descriptor);
int __wrap_close(int descriptor) {
  if (find(descriptor) == nullptr) return __real_close(descriptor);
  VirtualNetwork::current()->close(descriptor);
  return 0;
}

int __real_ioctl(int descriptor, unsigned long request, void* value);
int __wrap_ioctl(int descriptor, unsigned long request, void* value) {
  const Link* const link = find(descriptor);
  if (link == nullptr) return __real_ioctl(descriptor, request, value);
  const int bytes = link->unacknowledged();  // SIOCOUTQ
  std::memcpy(value, &bytes, sizeof bytes);
  return 0;
}

int __real_epoll_ctl(int epoll, int what, int descriptor, epoll_event* event);
int __wrap_epoll_ctl(int epoll, int what, int descriptor, epoll_event* event) {
  Link* const link = find(descriptor);
  if (link == nullptr) return __real_epoll_ctl(epoll, what, descriptor, event);
  if (what == EPOLL_CTL_ADD)
    link->watch(event->data.ptr);
  else
    link->forget();
  return 0;
}

// Never waits: time is the test's.
int __real_epoll_wait(int epoll, epoll_event* events, int size, int timeout);
int __wrap_epoll_wait(int epoll, epoll_event* events, int size, int timeout) {
  VirtualNetwork* const network = VirtualNetwork::current();
  if (network == nullptr) return __real_epoll_wait(epoll, events, size, timeout);
  int count = __real_epoll_wait(epoll, events, size, 0);
  if (count > 0) network->moved();
  for (const auto& [descriptor, link] : network->links()) {
    if (count == size) break;
    const std::uint32_t what = link->take_events();
    if (what == 0) continue;
    events[count].events = what;
    events[count++].data.ptr = link->source();
    network->moved();
  }
  return count;
}

}  // extern "C"
