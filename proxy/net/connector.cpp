// SPDX-License-Identifier: Apache-2.0
#include "proxy/net/connector.hpp"

#include <boost/asio/local/stream_protocol.hpp>

#include "proxy/net/descriptors.hpp"

namespace fusewire::proxy {

namespace {

// The address itself, where no name has to be resolved.
std::optional<Protocol::endpoint> literal(const config::Address& address) {
  if (address.kind == config::Address::Kind::unix_socket) return asio::local::stream_protocol::endpoint(address.path);
  error_code error;
  const auto ip = asio::ip::make_address(address.host, error);
  if (error) return std::nullopt;
  return asio::ip::tcp::endpoint(ip, address.port);
}

// Whose fault it is that a connection did not come about.
Outcome outcome_of(const error_code& error) {
  switch (error.value()) {
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
  if (now >= entry.good_until && !entry.looking_up) resolve(endpoint_id, address, refresh);
  if (!entry.addresses.empty()) return then(entry.addresses);
  entry.waiting.push_back(std::move(then));
}

void AddressBook::resolve(std::size_t endpoint_id, const config::Address& address, milliseconds refresh) {
  entries_[endpoint_id].looking_up = true;
  resolver_.async_resolve(address.host, std::to_string(address.port),
                          [this, endpoint_id, refresh](const error_code& error, const auto& results) {
                            Entry& entry = entries_[endpoint_id];
                            entry.looking_up = false;
                            if (!error) {
                              entry.addresses.clear();
                              for (const auto& result : results) entry.addresses.emplace_back(result.endpoint());
                              entry.good_until = std::chrono::steady_clock::now() + refresh;
                            }
                            const Addresses addresses = entry.addresses;
                            for (auto& then : std::exchange(entry.waiting, {})) then(addresses);
                          });
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
  const auto& address = addresses_[next_++];
  socket_.emplace(io_.get_executor());
  error_code error;
  socket_->open(address.protocol(), error);
  if (error) return finish(outcome_of(error));
  if (is_reserved(socket_->native_handle(), Reserve::upstream)) return finish(Outcome::local_lack);
  if (address.protocol().family() != AF_UNIX) socket_->set_option(asio::ip::tcp::no_delay(true), error);
  socket_->async_connect(address, [self = ConnectorPtr(this)](const error_code& failed) {
    if (self->done_) return;
    if (!failed) return self->finish(Outcome::pending);
    const Outcome outcome = outcome_of(failed);
    const bool more = self->next_ < self->addresses_.size() && outcome != Outcome::local_lack;
    more ? self->try_next() : self->finish(outcome);
  });
}

void Connector::finish(Outcome outcome) {
  if (done_) return;
  done_ = true;
  outcome_ = outcome;
  error_code ignored;
  if (outcome == Outcome::pending) socket_->non_blocking(true, ignored);
  if (watcher_ != nullptr) watcher_->on_activity();
}

void Connector::cancel() {
  done_ = true;
  watcher_ = nullptr;
  error_code ignored;
  if (socket_) socket_->close(ignored);
}

}  // namespace fusewire::proxy
