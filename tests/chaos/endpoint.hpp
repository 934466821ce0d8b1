// SPDX-License-Identifier: Apache-2.0
// One endpoint: a port of its own, and what its life says about it at each moment. All endpoints of a program share one
// thread. It outlives its conversations.
#pragma once

#include <boost/asio/awaitable.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/steady_timer.hpp>
#include <cstdint>
#include <random>
#include <set>

#include "tests/chaos/arrivals.hpp"
#include "tests/chaos/places.hpp"
#include "tests/chaos/script.hpp"

namespace chaos {

class Conversation;
class Wire;

class Endpoint {
 public:
  // Binds a port of the kernel's choice and listens. `index` seeds its chance, too.
  Endpoint(const boost::asio::any_io_executor& executor, std::uint32_t index, Life life, Arrivals& arrivals,
           Wire& wire);
  ~Endpoint();
  Endpoint(const Endpoint&) = delete;
  Endpoint& operator=(const Endpoint&) = delete;

  std::uint16_t port() const { return port_; }

  // Plays its life from `start` on; begins at once to answer.
  void open();
  boost::asio::awaitable<void> live(Clock::time_point start);

  // Ends all conversations and its life, as soon as the context runs again.
  void shut();

  // For its conversations.
  std::uint32_t index() const { return index_; }
  const State& state() const { return state_; }
  Arrivals& arrivals() { return arrivals_; }
  Clock::time_point served_at(Clock::time_point now);  // takes a place
  bool suffers();                                      // throws the dice for one request
  void joins(Conversation& one) { conversations_.insert(&one); }
  void leaves(Conversation& one) { conversations_.erase(&one); }

 private:
  boost::asio::awaitable<void> accept();
  void enter(const State& state);
  void close();
  void vanish(bool gone);
  void for_each_conversation(void (Conversation::*act)());

  std::uint32_t index_;
  Life life_;
  Arrivals& arrivals_;
  Wire& wire_;
  boost::asio::steady_timer timer_;
  boost::asio::ip::tcp::acceptor acceptor_;
  int holder_;  // bound, never listening: the port stays ours, and refuses, while there is no listener
  std::uint16_t port_ = 0;
  State state_;
  Places places_;
  std::mt19937_64 random_;
  std::set<Conversation*> conversations_;
};

}  // namespace chaos
