// SPDX-License-Identifier: Apache-2.0
// Opens one connection to an endpoint: resolves its name where it has one, then tries its addresses in turn. One
// thread.
#pragma once

#include <boost/asio/ip/tcp.hpp>
#include <boost/smart_ptr/intrusive_ptr.hpp>
#include <boost/smart_ptr/intrusive_ref_counter.hpp>
#include <functional>
#include <optional>
#include <unordered_map>
#include <vector>

#include "config/config.hpp"
#include "filters/exchange.hpp"
#include "proxy/net/asio.hpp"
#include "proxy/net/channel.hpp"
#include "proxy/net/resolver.hpp"

namespace fusewire::proxy {

// A worker's memory of names: looked up off the thread, refreshed behind the scenes, the last good answer kept.
class AddressBook {
 public:
  using Addresses = Resolver::Addresses;

  explicit AddressBook(Loop& loop) : resolver_(loop) {}

  // Calls back at once when something is known, else when the look-up ends (empty: it failed).
  void look_up(std::size_t endpoint_id, const config::Address&, milliseconds refresh, Time now,
               std::function<void(const Addresses&)> then);

 private:
  struct Entry {
    Addresses addresses;
    Time good_until{};
    bool looking_up = false;
    std::vector<std::function<void(const Addresses&)>> waiting;
  };
  void resolve(std::size_t endpoint_id, const config::Address&, milliseconds refresh);
  void learn(std::size_t endpoint_id, const Addresses& found, milliseconds refresh, Time now);

  Resolver resolver_;
  std::unordered_map<std::size_t, Entry> entries_;
};

class Connector final : public Loop::Source,
                        public boost::intrusive_ref_counter<Connector, boost::thread_unsafe_counter> {
 public:
  Connector(Loop& loop, AddressBook& book) : loop_(loop), book_(book) {}
  ~Connector() { drop(); }

  // The watcher hears of the end, unless cancel() came first.
  void start(std::size_t endpoint_id, const config::Address&, milliseconds dns_refresh, Time now, Watcher& watcher);
  void cancel();

  bool done() const { return done_; }
  Outcome outcome() const { return outcome_; }  // pending: connected
  int take_descriptor();                        // of the connection made

 private:
  void note(std::uint32_t) override {}
  void act() override;
  void try_next();
  int begin(const Protocol::endpoint&);
  void fail(int error);
  void finish(Outcome);
  void drop();

  Loop& loop_;
  AddressBook& book_;
  Watcher* watcher_ = nullptr;
  AddressBook::Addresses addresses_;
  std::size_t next_ = 0;
  int descriptor_ = -1;
  Outcome outcome_ = Outcome::pending;
  bool done_ = false;
};

using ConnectorPtr = boost::intrusive_ptr<Connector>;

}  // namespace fusewire::proxy
