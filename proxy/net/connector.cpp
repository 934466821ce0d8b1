// SPDX-License-Identifier: Apache-2.0
#include "proxy/net/connector.hpp"

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <unistd.h>

#include <boost/asio/local/stream_protocol.hpp>
#include <cerrno>
#include <utility>

#include "proxy/net/descriptors.hpp"

namespace fusewire::proxy {

namespace {

constexpr milliseconds kLookAgain{1000};  // after a failure

// The address itself, where no name has to be resolved.
std::optional<Protocol::endpoint> literal(const config::Address& address) {
  if (address.kind == config::Address::Kind::unix_socket) return asio::local::stream_protocol::endpoint(address.path);
  error_code error;
  const auto ip = asio::ip::make_address(address.host, error);
  if (error) return std::nullopt;
  return asio::ip::tcp::endpoint(ip, address.port);
}

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
      return Outcome::local_lack;
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

void AddressBook::look_up(std::size_t endpoint_id, const config::Address& address, milliseconds refresh, Time now,
                          std::function<void(const Addresses&)> then) {
  Entry& entry = entries_[endpoint_id];
  if (entry.addresses.empty()) {
    if (const auto known = literal(address)) {
      entry.addresses = {*known};
      entry.good_until = kNever;
    }
  }
  const bool due = now >= entry.good_until;
  if (due && !entry.looking_up) resolve(endpoint_id, address, refresh);
  if (!entry.addresses.empty() || !entry.looking_up) return then(entry.addresses);  // empty: it failed just now
  entry.waiting.push_back(std::move(then));
}

void AddressBook::resolve(std::size_t endpoint_id, const config::Address& address, milliseconds refresh) {
  entries_[endpoint_id].looking_up = true;
  resolver_.resolve(address.host, address.port, [this, endpoint_id, refresh](const Addresses& found) {
    learn(endpoint_id, found, refresh, std::chrono::steady_clock::now());
  });
}

// What was known stays known when a look-up fails.
void AddressBook::learn(std::size_t endpoint_id, const Addresses& found, milliseconds refresh, Time now) {
  Entry& entry = entries_[endpoint_id];
  entry.looking_up = false;
  if (!found.empty()) entry.addresses = found;
  entry.good_until = now + (found.empty() ? std::min<milliseconds>(refresh, kLookAgain) : refresh);
  const Addresses addresses = entry.addresses;
  for (auto& then : std::exchange(entry.waiting, {})) then(addresses);
}

void Connector::start(std::size_t endpoint_id, const config::Address& address, milliseconds dns_refresh, Time now,
                      Watcher& watcher) {
  book_.look_up(endpoint_id, address, dns_refresh, now,
                [self = ConnectorPtr(this)](const AddressBook::Addresses& addresses) {
                  self->addresses_ = addresses;
                  if (addresses.empty()) return self->finish(Outcome::dns_error);
                  self->try_next();
                });
  watcher_ = &watcher;  // what ended already is seen by done()
}

void Connector::try_next() {
  if (done_) return;
  const int error = begin(addresses_[next_++]);
  if (error != 0 && error != EINPROGRESS) return fail(error);
  if (is_reserved(descriptor_, Reserve::upstream)) return fail(EMFILE);
  if (!loop_.watch(descriptor_, *this)) return fail(errno);
}

// A connect under way: 0 or EINPROGRESS, else why not.
int Connector::begin(const Protocol::endpoint& address) {
  drop();
  const int family = address.protocol().family();
  descriptor_ = ::socket(family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  if (descriptor_ < 0) return errno;
  const int on = 1;
  if (family != AF_UNIX) ::setsockopt(descriptor_, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  if (::connect(descriptor_, address.data(), static_cast<socklen_t>(address.size())) == 0) return 0;
  // A unix socket says EAGAIN when its owner does not accept: nothing of ours is lacking.
  return family == AF_UNIX && errno == EAGAIN ? ECONNREFUSED : errno;
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
  const bool more = next_ < addresses_.size() && outcome != Outcome::local_lack;
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
  return std::exchange(descriptor_, -1);
}

void Connector::drop() {
  if (descriptor_ >= 0) ::close(std::exchange(descriptor_, -1));
  leave_queue();
}

void Connector::cancel() {
  done_ = true;
  watcher_ = nullptr;
  drop();
}

}  // namespace fusewire::proxy
