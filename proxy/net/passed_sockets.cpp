// SPDX-License-Identifier: Apache-2.0
#include "proxy/net/passed_sockets.hpp"

#include <fcntl.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <algorithm>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/local/stream_protocol.hpp>
#include <cerrno>
#include <charconv>
#include <cstddef>
#include <cstdlib>
#include <cstring>
#include <optional>
#include <stdexcept>
#include <string_view>

#include "config/addresses.hpp"
#include "config/messages.hpp"
#include "config/printable.hpp"

namespace fusewire::proxy {
namespace {

constexpr int kMaxPassed = 1024;  // a slip must not make us look at all numbers there are

std::optional<long> whole_number(std::string_view text) {
  long number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  return error == std::errc() && end == text.data() + text.size() ? std::optional(number) : std::nullopt;
}

std::runtime_error bad_variable(const char* name, const std::string& expected, const std::string& found) {
  return std::runtime_error(std::string(name) + ": expected " + expected + ", found " + config::quote(found));
}

std::vector<std::string> names_in(std::string_view list) {
  std::vector<std::string> names;
  for (std::size_t at = 0; at != std::string_view::npos;) {
    const std::size_t colon = list.find(':', at);
    names.emplace_back(list.substr(at, colon == std::string_view::npos ? colon : colon - at));
    at = colon == std::string_view::npos ? colon : colon + 1;
  }
  return names;
}

int option_of(int fd, int option) {
  int value = -1;
  socklen_t size = sizeof value;
  return ::getsockopt(fd, SOL_SOCKET, option, &value, &size) == 0 ? value : -1;
}

// "descriptor 3 (fusewire.socket)"
std::string described(int fd, const std::string& name) {
  return "descriptor " + std::to_string(fd) + (name.empty() ? "" : " (" + config::printable(name) + ")");
}

// As asio makes one of a path: the kernel's has a length of its own, which depends on who has bound it. One without a
// path (unnamed, abstract) equals none of the configuration.
Protocol::endpoint endpoint_of(const sockaddr_storage& address, socklen_t size) {
  const auto* const bytes = reinterpret_cast<const char*>(&address);
  constexpr std::size_t kPath = offsetof(sockaddr_un, sun_path);
  if (address.ss_family == AF_UNIX && size > kPath && bytes[kPath] != '\0')
    return asio::local::stream_protocol::endpoint(std::string(bytes + kPath, ::strnlen(bytes + kPath, size - kPath)));
  return {&address, size, 0};
}

std::string address_text(const Protocol::endpoint& where) {
  config::Address address;
  const int family = where.protocol().family();
  if (family == AF_UNIX) {
    const std::string_view path(static_cast<const char*>(static_cast<const void*>(where.data())), where.size());
    address.kind = config::Address::Kind::unix_socket;
    address.path = path.substr(std::min(path.size(), offsetof(sockaddr_un, sun_path)));
    std::replace(address.path.begin(), address.path.end(), '\0', '@');  // of an abstract name
    if (address.path.ends_with('@')) address.path.pop_back();
  } else {
    asio::ip::tcp::endpoint tcp;
    tcp.resize(where.size());
    std::memcpy(tcp.data(), where.data(), where.size());
    address.host = tcp.address().to_string();
    address.port = tcp.port();
  }
  return config::format_address(address);
}

}  // namespace

void forget_passed_variables() {
  for (const char* name : {"LISTEN_PID", "LISTEN_FDS", "LISTEN_FDNAMES", "LISTEN_PIDFDID"}) ::unsetenv(name);
}

PassedSockets::PassedSockets(const PassedVariables& variables, int first) {
  if (variables.pid.empty()) return;
  const auto pid = whole_number(variables.pid);
  if (!pid) throw bad_variable("LISTEN_PID", "the id of a process", variables.pid);
  if (*pid != ::getpid() || variables.fds.empty()) return;
  const auto count = whole_number(variables.fds);
  if (!count || *count < 0 || *count > kMaxPassed)
    throw bad_variable("LISTEN_FDS", "a number of sockets from 0 to " + std::to_string(kMaxPassed), variables.fds);
  std::vector<std::string> names(static_cast<std::size_t>(*count));
  if (!variables.names.empty()) {
    std::vector<std::string> given = names_in(variables.names);
    if (given.size() != names.size())
      throw bad_variable("LISTEN_FDNAMES", "as many names as LISTEN_FDS says, " + variables.fds, variables.names);
    names = std::move(given);
  }
  for (std::size_t i = 0; i < names.size(); ++i)
    sockets_.push_back(look_at(first + static_cast<int>(i), std::move(names[i])));
}

PassedSockets::PassedSocket PassedSockets::look_at(int fd, std::string name) {
  const auto refused = [&](const std::string& why) {
    return std::runtime_error(described(fd, name) + ", which the service manager has passed, " + why);
  };
  const int flags = ::fcntl(fd, F_GETFD);
  if (flags < 0) throw refused("is not open");
  sockaddr_storage address{};
  socklen_t size = sizeof address;
  if (::getsockname(fd, reinterpret_cast<sockaddr*>(&address), &size) != 0) throw refused("is not a socket");
  const bool family = address.ss_family == AF_INET || address.ss_family == AF_INET6 || address.ss_family == AF_UNIX;
  if (!family || option_of(fd, SO_TYPE) != SOCK_STREAM || option_of(fd, SO_ACCEPTCONN) != 1)
    throw refused("is not a listening stream socket: in its .socket unit, ListenStream= and Accept=no are expected");
  ::fcntl(fd, F_SETFD, flags | FD_CLOEXEC);
  const Protocol::endpoint where = endpoint_of(address, size);
  return {.fd = fd, .name = std::move(name), .where = where, .shown = address_text(where)};
}

PassedSockets::~PassedSockets() {
  for (const PassedSocket& socket : sockets_) ::close(socket.fd);
}

int PassedSockets::take(const Protocol::endpoint& wanted) {
  const auto at = std::find_if(sockets_.begin(), sockets_.end(),
                               [&](const PassedSocket& socket) { return socket.where == wanted; });
  if (at == sockets_.end()) return -1;
  const int fd = at->fd;
  sockets_.erase(at);
  return fd;
}

std::string PassedSockets::unwanted(const std::vector<Protocol::endpoint>& configured) const {
  std::string all;
  for (auto at = sockets_.begin(); at != sockets_.end(); ++at) {
    const bool is_second =
        std::any_of(sockets_.begin(), at, [&](const PassedSocket& other) { return other.where == at->where; });
    if (is_second || std::find(configured.begin(), configured.end(), at->where) == configured.end())
      all.append(all.empty() ? "" : ", ").append(config::printable(at->shown) + ", " + described(at->fd, at->name));
  }
  if (all.empty()) return all;
  return "the service manager has passed a socket that nothing would serve: " + all +
         "; expected the address of a listener, admin.address or admin.probes";
}

}  // namespace fusewire::proxy
