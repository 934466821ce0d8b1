// SPDX-License-Identifier: Apache-2.0
#include "proxy/net/listen.hpp"

#include <linux/filter.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/local/stream_protocol.hpp>
#include <boost/system/system_error.hpp>
#include <cerrno>
#include <cstring>
#include <iterator>
#include <stdexcept>

#include "config/addresses.hpp"
#include "proxy/observe/log.hpp"

namespace fusewire::proxy {
namespace {

// Left behind by a process that did not end well: connecting to it is refused. One whose owner lives but does not
// accept answers at once, too (EAGAIN where its backlog is full).
bool is_stale_socket(const Protocol::endpoint& endpoint, const std::string& path) {
  struct stat found {};
  if (::lstat(path.c_str(), &found) != 0 || !S_ISSOCK(found.st_mode)) return false;
  const int probe = ::socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  if (probe < 0) return false;
  const bool refused =
      ::connect(probe, endpoint.data(), static_cast<socklen_t>(endpoint.size())) != 0 && errno == ECONNREFUSED;
  ::close(probe);
  return refused;
}

// The file is made with `mode` less the umask, never wider; the rest is granted before a client can connect.
void bind(ListeningSocket& acceptor, const config::Address& address, const Protocol::endpoint& endpoint,
          const std::optional<unsigned>& mode) {
  error_code error;
  const bool unix_socket = address.kind == config::Address::Kind::unix_socket;
  if (unix_socket && mode) ::fchmod(acceptor.native_handle(), *mode);
  acceptor.bind(endpoint, error);
  if (error == asio::error::address_in_use && unix_socket && is_stale_socket(endpoint, address.path)) {
    ::unlink(address.path.c_str());
    acceptor.bind(endpoint, error);
  }
  if (error) throw boost::system::system_error(error);
  if (!unix_socket || !mode || ::chmod(address.path.c_str(), *mode) == 0) return;
  const int failure = errno;
  ::unlink(address.path.c_str());
  throw boost::system::system_error(failure, boost::system::system_category());
}

// The least TTL of packets that the socket takes, by either IP version.
void take_from_ttl(int socket, int least) {
  ::setsockopt(socket, IPPROTO_IP, IP_MINTTL, &least, sizeof least);
  ::setsockopt(socket, IPPROTO_IPV6, IPV6_MINHOPCOUNT, &least, sizeof least);
}

}  // namespace

void share_port(int socket, bool on) {
  const int value = on ? 1 : 0;
  ::setsockopt(socket, SOL_SOCKET, SO_REUSEPORT, &value, sizeof value);
}

namespace {

ListeningSocket adopt(asio::io_context& io, const Protocol::endpoint& endpoint, int fd) {
  ListeningSocket acceptor(io.get_executor(), endpoint.protocol(), fd);
  acceptor.passed = true;
  acceptor.native_non_blocking(true);
  return acceptor;
}

ListeningSocket open(asio::io_context& io, const config::Address& address, const Protocol::endpoint& endpoint,
                     const ListenOptions& options) {
  if (options.passed != nullptr)
    if (const int fd = options.passed->take(endpoint); fd >= 0) return adopt(io, endpoint, fd);
  ListeningSocket acceptor(io.get_executor(), endpoint.protocol());
  acceptor.set_option(asio::socket_base::reuse_address(true));
  if (options.beside_own) share_port(acceptor.native_handle(), true);
  bind(acceptor, address, endpoint, options.mode);
  acceptor.listen();  // looks for conflicts again
  if (options.beside_own) share_port(acceptor.native_handle(), false);
  return acceptor;
}

// Throws where there are none.
std::vector<Protocol::endpoint> endpoints_of(const config::Address& address, const ListenOptions& options) {
  ListenAddresses addresses = options.found ? *options.found : addresses_to_listen_on(address);
  if (addresses.endpoints.empty()) throw boost::system::system_error(addresses.error);
  return std::move(addresses.endpoints);
}

std::string name_of(const config::Address& address, const ListenOptions& options) {
  return options.shown.empty() ? config::format_address(address) : options.shown;
}

std::runtime_error cannot_listen(const config::Address& address, const ListenOptions& options,
                                 const error_code& error) {
  return std::runtime_error("cannot listen on " + name_of(address, options) + ": " + error.message());
}

bool is_absent(const error_code& error) {
  return error == asio::error::address_family_not_supported || error.value() == EADDRNOTAVAIL;
}

Protocol::endpoint with_port(const Protocol::endpoint& endpoint, std::uint16_t port) {
  asio::ip::tcp::endpoint tcp;
  std::memcpy(tcp.data(), endpoint.data(), endpoint.size());
  tcp.port(port);
  return tcp;
}

void log_passed_over(const config::Address& address, const ListenOptions& options, const Protocol::endpoint& endpoint,
                     const error_code& error) {
  log::warn("an address of a listener's name is passed over",
            {{"address", name_of(address, options)},
             {"family", endpoint.protocol().family() == AF_INET6 ? "IPv6" : "IPv4"},
             {"error", error.message()}});
}

}  // namespace

ListenAddresses addresses_to_listen_on(const config::Address& address) {
  ListenAddresses all;
  if (address.kind == config::Address::Kind::unix_socket) {
    all.endpoints.emplace_back(asio::local::stream_protocol::endpoint(address.path));
    return all;
  }
  asio::io_context io;
  asio::ip::tcp::resolver resolver(io);
  for (const auto& found :
       resolver.resolve(address.host, std::to_string(address.port), asio::ip::resolver_base::passive, all.error)) {
    const Protocol::endpoint endpoint = found.endpoint();
    if (std::find(all.endpoints.begin(), all.endpoints.end(), endpoint) == all.endpoints.end())
      all.endpoints.push_back(endpoint);  // a hosts file may repeat it
  }
  return all;
}

ListeningSocket listen_on(asio::io_context& io, const config::Address& address, const ListenOptions& options) {
  try {
    return open(io, address, endpoints_of(address, options).front(), options);
  } catch (const boost::system::system_error& error) {
    throw cannot_listen(address, options, error.code());
  }
}

std::vector<ListeningSocket> listen_on_all(asio::io_context& io, const config::Address& address,
                                           const ListenOptions& options) {
  std::vector<ListeningSocket> sockets;
  try {
    const auto endpoints = endpoints_of(address, options);
    const bool any_port = address.kind == config::Address::Kind::tcp && address.port == 0;
    error_code why;
    for (const Protocol::endpoint& endpoint : endpoints) {
      const bool follows = any_port && !sockets.empty();
      try {
        sockets.push_back(
            open(io, address, follows ? with_port(endpoint, port_of(sockets.front())) : endpoint, options));
      } catch (const boost::system::system_error& error) {
        why = error.code();
        if (!is_absent(why) && !(follows && why == asio::error::address_in_use)) throw;
        if (endpoints.size() > 1) log_passed_over(address, options, endpoint, why);
      }
    }
    if (sockets.empty()) throw boost::system::system_error(why);
  } catch (const boost::system::system_error& error) {
    throw cannot_listen(address, options, error.code());
  }
  return sockets;
}

SocketFile::SocketFile(const config::Address& address, bool passed) {
  struct stat found {};
  if (passed || address.kind != config::Address::Kind::unix_socket || ::lstat(address.path.c_str(), &found) != 0)
    return;
  path_ = address.path;
  device_ = found.st_dev;
  inode_ = found.st_ino;
}

bool SocketFile::is_ours() const {
  struct stat found {};
  return !path_.empty() && ::lstat(path_.c_str(), &found) == 0 && found.st_dev == device_ && found.st_ino == inode_;
}

void SocketFile::set_mode(unsigned mode) const {
  if (is_ours()) ::chmod(path_.c_str(), mode);
}

void SocketFile::remove() {
  if (is_ours()) ::unlink(path_.c_str());
  path_.clear();
}

void refuse_handshakes(ListeningSocket& socket) {
  if (socket.local_endpoint().protocol().family() == AF_UNIX) {  // has none: who connects from now on is refused
    ::shutdown(socket.native_handle(), SHUT_RD);
    return;
  }
  // On the TCP header: drop what has SYN set, pass the rest whole.
  sock_filter code[] = {
      BPF_STMT(BPF_LD | BPF_B | BPF_ABS, 13),
      BPF_JUMP(BPF_JMP | BPF_JSET | BPF_K, 0x02, 0, 1),
      BPF_STMT(BPF_RET | BPF_K, 0),
      BPF_STMT(BPF_RET | BPF_K, 0xffffffff),
  };
  const sock_fprog program{.len = std::size(code), .filter = code};
  const int fd = socket.native_handle();
  if (::setsockopt(fd, SOL_SOCKET, SO_ATTACH_FILTER, &program, sizeof program) == 0) return;
  // Newer kernels ask CAP_NET_ADMIN for it. Of a listening socket the TTL is checked when a handshake begins, not when
  // it ends; and packets begin at 64 or 128, hardly ever at 255.
  take_from_ttl(fd, 255);
}

void forget_refusal(int connection) { take_from_ttl(connection, 0); }

std::uint16_t port_of(const ListeningSocket& socket) {
  error_code error;
  const auto local = socket.local_endpoint(error);
  if (error || (local.protocol().family() != AF_INET && local.protocol().family() != AF_INET6)) return 0;
  asio::ip::tcp::endpoint endpoint;
  std::memcpy(endpoint.data(), local.data(), local.size());
  return endpoint.port();
}

}  // namespace fusewire::proxy
