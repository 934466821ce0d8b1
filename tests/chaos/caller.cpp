// SPDX-License-Identifier: Apache-2.0
#include "tests/chaos/caller.hpp"

#include <sys/socket.h>

#include <array>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/asio/write.hpp>
#include <utility>

#include "tests/chaos/answer.hpp"

namespace chaos {
namespace {

namespace asio = boost::asio;
using asio::ip::tcp;

constexpr std::size_t kMaxConnections = 8000;
constexpr std::chrono::seconds kGrace{2};  // after the deadline, to see how late an answer is

}  // namespace

struct Caller::Connection {
  Connection(asio::io_context& context, std::uint16_t to) : port(to), socket(context), timer(context) {}

  // Whether the peer has not closed it while it was idle.
  bool is_alive() {
    char byte = 0;
    return ::recv(socket.native_handle(), &byte, 1, MSG_PEEK | MSG_DONTWAIT) < 0 && errno == EAGAIN;
  }

  const std::uint16_t port;
  tcp::socket socket;
  asio::steady_timer timer;
  Answer answer;
};

Caller::Caller(asio::io_context& context, std::vector<Stream> streams, Clock::time_point start)
    : context_(context),
      streams_(std::move(streams)),
      plan_(make_plan(streams_)),
      start_(start),
      endings_(plan_.size()) {}

std::int64_t Caller::since_start() const {
  return std::chrono::duration_cast<microseconds>(Clock::now() - start_).count();
}

asio::awaitable<void> Caller::run() {
  asio::steady_timer timer(context_);
  for (std::size_t which = 0; which < plan_.size(); ++which) {
    const auto due = start_ + plan_[which].due;
    if (due > Clock::now()) {
      timer.expires_at(due);
      co_await timer.async_wait(asio::use_awaitable);
    }
    if (connections_ < kMaxConnections)
      send(which);
    else
      waiting_.push_back(which);
  }
}

void Caller::send(std::size_t which) {
  const std::uint16_t port = streams_[plan_[which].stream].port;
  auto connection = idle_connection(port);
  if (!connection) connection = std::make_shared<Connection>(context_, port);
  most_connections_ = std::max(most_connections_, ++connections_);
  asio::co_spawn(context_, exchange(std::move(connection), which), asio::detached);
}

std::shared_ptr<Caller::Connection> Caller::idle_connection(std::uint16_t port) {
  auto& idle = idle_[port];
  while (!idle.empty()) {
    auto connection = std::move(idle.back());
    idle.pop_back();
    if (connection->is_alive()) return connection;
  }
  return nullptr;
}

asio::awaitable<void> Caller::exchange(std::shared_ptr<Connection> connection, std::size_t which) {
  const Planned& planned = plan_[which];
  connection->timer.expires_at(start_ + planned.due + streams_[planned.stream].deadline + kGrace);
  connection->timer.async_wait([connection](boost::system::error_code cancelled) {
    if (!cancelled) connection->socket.close();
  });
  try {
    co_await talk(*connection, which);
  } catch (const boost::system::system_error&) {
    connection->socket.close();  // the ending says already how far it came
  }
  connection->timer.cancel();
  give_back(std::move(connection));
}

asio::awaitable<void> Caller::talk(Connection& connection, std::size_t which) {
  Ending& ending = endings_[which];
  ending.result = Ending::Result::refused;
  if (!connection.socket.is_open()) {
    co_await connection.socket.async_connect({asio::ip::address_v4::loopback(), connection.port}, asio::use_awaitable);
    connection.socket.set_option(tcp::no_delay(true));
  }
  const std::string text = request_text(plan_[which]);
  connection.answer = {};
  ending.sent = since_start();
  ending.result = Ending::Result::cut;
  co_await asio::async_write(connection.socket, asio::buffer(text), asio::use_awaitable);
  co_await receive(connection, which);
}

asio::awaitable<void> Caller::receive(Connection& connection, std::size_t which) {
  Ending& ending = endings_[which];
  std::array<char, 8192> piece;
  auto progress = Answer::Progress::more;
  while (progress == Answer::Progress::more) {
    boost::system::error_code error;
    const std::size_t n = co_await connection.socket.async_read_some(asio::buffer(piece),
                                                                     asio::redirect_error(asio::use_awaitable, error));
    if (error == asio::error::operation_aborted) {  // our patience is over
      ending.result = Ending::Result::none;
      co_return;
    }
    progress = error ? connection.answer.close() : connection.answer.take({piece.data(), n});
    if (ending.head < 0 && connection.answer.has_head()) ending.head = since_start();
  }
  ending.done = since_start();
  ending.status = connection.answer.status();
  ending.endpoint = connection.answer.endpoint();
  if (progress == Answer::Progress::whole) judge(connection, which);
  if (progress != Answer::Progress::whole || !connection.answer.reusable()) connection.socket.close();
}

void Caller::judge(const Connection& connection, std::size_t which) {
  Ending& ending = endings_[which];
  ending.result = Ending::Result::status;
  if (ending.status != 200) return;
  const Planned& planned = plan_[which];
  const bool cacheable = streams_[planned.stream].keys > 0;
  const std::string path = (cacheable ? "/c/" : "/n/") + std::to_string(planned.key) + ' ';
  const bool own = connection.answer.body().starts_with(path + std::to_string(planned.id) + ' ');
  ending.is_cached = !own;
  const bool right = own || (cacheable && connection.answer.body().starts_with(path));
  ending.result = right ? Ending::Result::good : Ending::Result::wrong;
}

void Caller::give_back(std::shared_ptr<Connection> connection) {
  --connections_;
  if (++ended_ == plan_.size()) context_.stop();
  if (connection->socket.is_open()) idle_[connection->port].push_back(std::move(connection));
  if (waiting_.empty()) return;
  const std::size_t next = waiting_.front();
  waiting_.pop_front();
  send(next);
}

std::string Caller::request_text(const Planned& planned) const {
  const Stream& stream = streams_[planned.stream];
  std::string text = planned.is_get ? "GET " : "POST ";
  text += (stream.keys > 0 ? "/c/" : "/n/") + std::to_string(planned.key) + " HTTP/1.1\r\nHost: " + stream.host;
  text += "\r\nX-Chaos-Id: " + std::to_string(planned.id);
  if (stream.says_deadline) text += "\r\nX-Request-Timeout-Ms: " + std::to_string(stream.deadline.count() / 1000);
  text += planned.is_get ? "\r\n\r\n" : "\r\nContent-Length: 16\r\n\r\nan order of 16 B";
  return text;
}

}  // namespace chaos
