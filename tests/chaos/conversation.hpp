// SPDX-License-Identifier: Apache-2.0
// An endpoint's side of one connection: reads requests, and answers each as the endpoint's state says when it has come.
// Runs on the endpoint's thread; its coroutine owns it.
#pragma once

#include <boost/asio/awaitable.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/steady_timer.hpp>
#include <memory>
#include <string>
#include <string_view>

#include "tests/chaos/arrivals.hpp"
#include "tests/chaos/script.hpp"

namespace chaos {

class Endpoint;

class Conversation : public std::enable_shared_from_this<Conversation> {
 public:
  Conversation(boost::asio::ip::tcp::socket socket, Endpoint& endpoint);
  ~Conversation();
  Conversation(const Conversation&) = delete;
  Conversation& operator=(const Conversation&) = delete;

  // Until either side closes.
  boost::asio::awaitable<void> run();

  void retire();  // closes: at once, or behind the answer that is under way
  void crash();   // resets at once
  void vanish();  // hears nothing more
  void reappear();

 private:
  struct Request {
    std::string method;
    std::string target;
    std::uint64_t id = 0;
    std::size_t arrival = 0;  // its place in the log
  };

  boost::asio::awaitable<void> converse();
  boost::asio::awaitable<Request> read();
  boost::asio::awaitable<void> answer(const Request& request);
  boost::asio::awaitable<void> serve(const Request& request);
  boost::asio::awaitable<void> suffer(Mode mode, const Request& request);
  boost::asio::awaitable<void> hang();
  boost::asio::awaitable<void> fail(const Request& request, std::string_view status, std::string_view fields);
  boost::asio::awaitable<void> byte_by_byte(std::string_view whole, std::string_view slow, const Request& request);
  boost::asio::awaitable<void> write(std::string_view bytes);
  boost::asio::awaitable<void> sleep_until(Clock::time_point time);
  std::string good_answer(const Request& request) const;
  void close();

  boost::asio::ip::tcp::socket socket_;
  boost::asio::steady_timer timer_;
  Endpoint& endpoint_;
  std::uint16_t port_ = 0;  // the peer's
  std::string in_;
  bool busy_ = false;  // with a request
  bool retired_ = false;
};

}  // namespace chaos
