// SPDX-License-Identifier: Apache-2.0
#include "proxy/net/connector.hpp"

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <utility>

#include "proxy/net/clock.hpp"
#include "proxy/net/descriptors.hpp"

namespace fusewire::proxy {

namespace {

// Whose fault it is that a connection did not come about.
Outcome outcome_of(int error) {
  switch (error) {
    case ENOSPC:  // of epoll's watches
    case EMFILE:
    case ENFILE:
    case ENOBUFS:
    case ENOMEM:
    case EADDRNOTAVAIL:
    case EAGAIN:
      return Outcome::resource_exhausted;
    case ETIMEDOUT:
      return Outcome::connect_timeout;
    case ENETUNREACH:
    case EHOSTUNREACH:
    case ENETDOWN:
    case EHOSTDOWN:
      return Outcome::connect_unreachable;
    default:
      return Outcome::connect_refused;
  }
}

}  // namespace

void Connector::start(std::vector<SocketAddress> addresses, Time until, Watcher& watcher) {
  addresses_ = std::move(addresses);
  late_.resize(addresses_.size());
  until_ = until;
  try_next();
  watcher_ = &watcher;  // what ended already is seen by done()
}

void Connector::try_next() {
  if (done_) return;
  ++next_;
  try_it();
}

void Connector::try_it() {
  const int error = begin(addresses_[next_ - 1]);
  if (error == EAGAIN && addresses_[next_ - 1].protocol().family() == AF_UNIX) return try_again_later();
  if (error != 0 && error != EINPROGRESS) return fail(error);
  if (is_reserved(descriptor_, Reserve::upstream)) return fail(EMFILE);
  if (!loop_.watch(descriptor_, *this)) return fail(errno);
  again_ = {};
  const Time now = steady_now();
  patience_.arm(next_ < addresses_.size() && until_ != kNever ? now + (until_ - now) / 2 : kNever);
}

// The owner of a unix socket has not come to accept those before us. A SYN would be sent again in such a case.
void Connector::try_again_later() {
  constexpr milliseconds kFirst{1}, kLongest{50};
  drop();
  again_ = std::clamp(again_ * 2, kFirst, kLongest);
  patience_.arm(steady_now() + again_);
}

// It may still answer, but the next one has a chance then.
void Connector::on_due() {
  const ConnectorPtr alive(this);
  if (done_) return;
  if (again_ != milliseconds::zero()) return try_it();
  late_[next_ - 1] = true;
  fail(ETIMEDOUT);
}

// A connect under way: 0 or EINPROGRESS, else why not.
int Connector::begin(const SocketAddress& address) {
  drop();
  const int family = address.protocol().family();
  descriptor_ = ::socket(family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  if (descriptor_ < 0) return errno;
  const int on = 1;
  if (family != AF_UNIX) ::setsockopt(descriptor_, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  return ::connect(descriptor_, address.data(), static_cast<socklen_t>(address.size())) == 0 ? 0 : errno;
}

void Connector::act() {
  const ConnectorPtr alive(this);
  if (done_ || descriptor_ < 0) return;
  int error = 0;
  socklen_t size = sizeof error;
  ::getsockopt(descriptor_, SOL_SOCKET, SO_ERROR, &error, &size);
  if (error != 0) return fail(error);
  sockaddr_storage peer;
  socklen_t length = sizeof peer;
  if (::getpeername(descriptor_, reinterpret_cast<sockaddr*>(&peer), &length) != 0) return;  // not yet
  finish(Outcome::pending);
}

void Connector::fail(int error) {
  const Outcome outcome = outcome_of(error);
  const bool more = next_ < addresses_.size() && outcome != Outcome::resource_exhausted;
  more ? try_next() : finish(outcome);
}

void Connector::finish(Outcome outcome) {
  if (done_) return;
  done_ = true;
  outcome_ = outcome;
  if (watcher_ != nullptr) watcher_->on_activity();
}

int Connector::take_descriptor() {
  loop_.forget(descriptor_);
  leave_queue();
  patience_.disarm();
  return std::exchange(descriptor_, -1);
}

void Connector::drop() {
  patience_.disarm();
  if (descriptor_ >= 0) {
    loop_.forget(descriptor_);
    ::close(std::exchange(descriptor_, -1));
  }
  leave_queue();
}

void Connector::cancel() {
  done_ = true;
  watcher_ = nullptr;
  drop();
}

}  // namespace fusewire::proxy
