// SPDX-License-Identifier: Apache-2.0
#include "tests/support/connection.hpp"

#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <system_error>
#include <utility>

namespace fusewire::testing {

namespace {

using SteadyClock = std::chrono::steady_clock;

constexpr milliseconds kStopCheck = 20ms;  // how soon a wait notices `stop`

milliseconds left(SteadyClock::time_point until) { return std::chrono::ceil<milliseconds>(until - SteadyClock::now()); }

}  // namespace

const char* to_string(End end) {
  switch (end) {
    case End::open:
      return "open";
    case End::eof:
      return "eof";
    case End::reset:
      return "reset";
    case End::truncated:
      return "truncated";
  }
  return "?";
}

Connection::Connection(int fd, const std::atomic<bool>* stop) : fd_(fd), stop_(stop) {
  ::fcntl(fd_, F_SETFL, ::fcntl(fd_, F_GETFL) | O_NONBLOCK);
  const int on = 1;
  ::setsockopt(fd_, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
}

Connection Connection::to(std::uint16_t port) {
  const int fd = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (fd < 0) throw std::system_error(errno, std::generic_category(), "socket");
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(port);
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  if (::connect(fd, reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0) {
    const int error = errno;
    ::close(fd);
    throw std::system_error(error, std::generic_category(), "connect to port " + std::to_string(port));
  }
  return Connection(fd);
}

Connection Connection::to(const std::string& address) {
  sockaddr_storage to{};
  socklen_t size = sizeof(sockaddr_un);
  if (address.starts_with('[')) {
    auto& ipv6 = reinterpret_cast<sockaddr_in6&>(to);
    ipv6.sin6_family = AF_INET6;
    ipv6.sin6_addr = in6addr_loopback;
    ipv6.sin6_port = htons(static_cast<std::uint16_t>(std::stoi(address.substr(address.rfind(':') + 1))));
    size = sizeof ipv6;
  } else {
    auto& local = reinterpret_cast<sockaddr_un&>(to);
    local.sun_family = AF_UNIX;
    address.copy(local.sun_path, sizeof local.sun_path - 1);
  }
  const int fd = ::socket(to.ss_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (fd >= 0 && ::connect(fd, reinterpret_cast<const sockaddr*>(&to), size) == 0) return Connection(fd);
  const int error = errno;
  if (fd >= 0) ::close(fd);
  throw std::system_error(error, std::generic_category(), "connect to " + address);
}

Connection::Connection(Connection&& other) noexcept
    : fd_(std::exchange(other.fd_, -1)),
      tls_(std::move(other.tls_)),
      stop_(other.stop_),
      buffer_(std::move(other.buffer_)),
      end_(other.end_) {}

Connection& Connection::operator=(Connection&& other) noexcept {
  if (this == &other) return *this;
  close();
  fd_ = std::exchange(other.fd_, -1);
  tls_ = std::move(other.tls_);
  stop_ = other.stop_;
  buffer_ = std::move(other.buffer_);
  end_ = other.end_;
  return *this;
}

Connection::~Connection() { close(); }

int Connection::wait(short events, SteadyClock::time_point until) const {
  while (!(stop_ && stop_->load())) {
    const milliseconds rest = left(until);
    if (rest <= 0ms) return 0;
    pollfd entry{fd_, events, 0};
    const milliseconds slice = stop_ ? std::min(rest, kStopCheck) : rest;
    if (::poll(&entry, 1, static_cast<int>(slice.count())) > 0) return entry.revents;
  }
  return 0;
}

bool Connection::receive() {
  char piece[65536];
  const ssize_t n = tls_ ? tls_->receive(piece, sizeof piece) : ::recv(fd_, piece, sizeof piece, 0);
  if (n > 0) {
    buffer_.append(piece, static_cast<std::size_t>(n));
    return true;
  }
  if (n == 0) {
    end_ = End::eof;
  } else if (errno != EAGAIN && errno != EINTR) {
    end_ = errno == EPIPE ? End::truncated : End::reset;
  }
  return false;
}

bool Connection::send(std::string_view bytes, milliseconds patience) {
  const auto until = SteadyClock::now() + patience;
  while (!bytes.empty()) {
    if (fd_ < 0 || end_ == End::reset) return false;
    const ssize_t n = tls_ ? tls_->send(bytes) : ::send(fd_, bytes.data(), bytes.size(), MSG_NOSIGNAL);
    if (n >= 0) {
      bytes.remove_prefix(static_cast<std::size_t>(n));
      continue;
    }
    if (errno == EINTR) continue;
    if (errno != EAGAIN) {
      while (end_ == End::open && receive()) {
      }
      if (end_ == End::open) end_ = End::reset;
      return false;
    }
    const short events = end_ == End::open ? POLLOUT | POLLIN : POLLOUT;
    const int ready = wait(events, until);
    if (ready == 0) return false;
    if ((ready & POLLIN) != 0) receive();
  }
  return true;
}

bool Connection::fill(milliseconds patience) {
  const auto until = SteadyClock::now() + patience;
  while (fd_ >= 0 && end_ == End::open) {
    if (tls_ && receive()) return true;  // what the library holds needs no event
    if (end_ != End::open || wait(POLLIN, until) == 0) return false;
    if (receive()) return true;
  }
  return false;
}

std::optional<std::string> Connection::take_until(std::string_view mark, milliseconds patience) {
  const auto until = SteadyClock::now() + patience;
  std::size_t at = 0;
  while ((at = buffer_.find(mark)) == std::string::npos)
    if (!fill(left(until))) return std::nullopt;
  std::string taken = buffer_.substr(0, at + mark.size());
  buffer_.erase(0, taken.size());
  return taken;
}

std::string Connection::take(std::size_t n, milliseconds patience) {
  const auto until = SteadyClock::now() + patience;
  while (buffer_.size() < n && fill(left(until))) {
  }
  std::string taken = buffer_.substr(0, std::min(n, buffer_.size()));
  buffer_.erase(0, taken.size());
  return taken;
}

std::string Connection::take_all(milliseconds patience) {
  const auto until = SteadyClock::now() + patience;
  while (fill(left(until))) {
  }
  return std::exchange(buffer_, {});
}

bool Connection::ended(milliseconds patience) {
  const auto until = SteadyClock::now() + patience;
  const auto stopped = [this] { return stop_ && stop_->load(); };
  while (end_ == End::open && fd_ >= 0 && !stopped() && SteadyClock::now() < until) fill(left(until));
  return end_ != End::open;
}

void Connection::shut_down_writing() { ::shutdown(fd_, SHUT_WR); }

bool Connection::secure(TlsEnd& end, bool resume, milliseconds patience) {
  const auto until = SteadyClock::now() + patience;
  tls_ = std::make_unique<TlsLayer>(end, fd_, resume);
  for (;;) {
    const TlsLayer::Step step = tls_->handshake();
    if (step == TlsLayer::Step::done || step == TlsLayer::Step::failed) return step == TlsLayer::Step::done;
    if (wait(step == TlsLayer::Step::reads ? POLLIN : POLLOUT, until) == 0) return false;
  }
}

void Connection::cut() {
  tls_.reset();
  close();
}

void Connection::close() {
  if (fd_ < 0) return;
  if (tls_) tls_->close_notify();
  tls_.reset();
  ::close(std::exchange(fd_, -1));
}

void Connection::reset() {
  const linger hard{1, 0};
  ::setsockopt(fd_, SOL_SOCKET, SO_LINGER, &hard, sizeof hard);
  cut();
}

std::uint16_t Connection::local_port() const {
  sockaddr_in address{};
  socklen_t size = sizeof address;
  ::getsockname(fd_, reinterpret_cast<sockaddr*>(&address), &size);
  return ntohs(address.sin_port);
}

bool refused(std::uint16_t port) {
  try {
    Connection::to(port);
    return false;
  } catch (const std::system_error&) {
    return true;
  }
}

}  // namespace fusewire::testing
