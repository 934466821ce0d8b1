// SPDX-License-Identifier: Apache-2.0
// Sends what is planned when it is due, whatever the answers do, on kept connections: as many as it takes, up to a
// bound. Beyond the bound a request waits, and its wait counts: each time counts from when it was due. One thread.
#pragma once

#include <boost/asio/awaitable.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <deque>
#include <map>
#include <memory>
#include <vector>

#include "tests/chaos/plan.hpp"

namespace chaos {

// How a request ended. Times are microseconds since the start.
struct Ending {
  enum class Result : char {
    good = 'g',     // 200, whole, with the body of this very request, or, where it is cacheable, of one for its path
    status = 's',   // another status
    wrong = 'w',    // 200 with a body that is not its own
    cut = 'c',      // broken off, or not HTTP
    refused = 'r',  // the proxy took no connection
    none = 'n',     // nothing until long after the deadline
  };

  Result result = Result::none;
  int status = 0;
  int endpoint = -1;       // that made the answer; -1: the proxy's own
  bool is_cached = false;  // the body is that of an earlier request
  std::int64_t sent = -1;
  std::int64_t head = -1;  // when the answer's head was whole
  std::int64_t done = -1;
};

class Caller {
 public:
  using Clock = std::chrono::steady_clock;

  // Stops `context` when all requests have ended.
  Caller(boost::asio::io_context& context, std::vector<Stream> streams, Clock::time_point start);

  boost::asio::awaitable<void> run();

  const std::vector<Planned>& plan() const { return plan_; }
  const std::vector<Ending>& endings() const { return endings_; }
  std::size_t most_connections() const { return most_connections_; }

 private:
  struct Connection;

  void send(std::size_t which);
  std::shared_ptr<Connection> idle_connection(std::uint16_t port);
  boost::asio::awaitable<void> exchange(std::shared_ptr<Connection> connection, std::size_t which);
  boost::asio::awaitable<void> talk(Connection& connection, std::size_t which);
  boost::asio::awaitable<void> receive(Connection& connection, std::size_t which);
  void judge(const Connection& connection, std::size_t which);
  void give_back(std::shared_ptr<Connection> connection);
  std::string request_text(const Planned& planned) const;
  std::int64_t since_start() const;

  boost::asio::io_context& context_;
  const std::vector<Stream> streams_;
  const std::vector<Planned> plan_;
  const Clock::time_point start_;
  std::vector<Ending> endings_;
  std::map<std::uint16_t, std::vector<std::shared_ptr<Connection>>> idle_;  // by port, the last used on top
  std::deque<std::size_t> waiting_;                                         // requests, for a connection
  std::size_t connections_ = 0;
  std::size_t most_connections_ = 0;
  std::size_t ended_ = 0;
};

}  // namespace chaos
