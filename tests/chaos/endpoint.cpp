// SPDX-License-Identifier: Apache-2.0
#include "tests/chaos/endpoint.hpp"

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <utility>

#include "bench/tcp.hpp"
#include "tests/chaos/conversation.hpp"
#include "tests/chaos/vanish.hpp"
#include "tests/chaos/wire.hpp"

namespace chaos {
namespace {

namespace asio = boost::asio;
using bench::must;

int bound_to(std::uint16_t port) {
  const int fd = must(::socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0), "socket");
  const int on = 1;
  must(::setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on), "SO_REUSEADDR");
  const sockaddr_in address = bench::loopback(port);
  must(::bind(fd, reinterpret_cast<const sockaddr*>(&address), sizeof address), "bind");
  return fd;
}

std::uint16_t port_of_socket(int fd) {
  sockaddr_in address{};
  socklen_t size = sizeof address;
  must(::getsockname(fd, reinterpret_cast<sockaddr*>(&address), &size), "getsockname");
  return ntohs(address.sin_port);
}

bool listens(Mode mode) { return mode != Mode::refuse && mode != Mode::dies; }

}  // namespace

Endpoint::Endpoint(const asio::any_io_executor& executor, std::uint32_t index, Life life, Arrivals& arrivals,
                   Wire& wire)
    : index_(index),
      life_(std::move(life)),
      arrivals_(arrivals),
      wire_(wire),
      timer_(executor),
      acceptor_(executor),
      holder_(bound_to(0)),
      port_(port_of_socket(holder_)),
      random_(index + 1) {
  wire_.add(port_, index_);
}

Endpoint::~Endpoint() { ::close(holder_); }

void Endpoint::open() {
  const int fd = bound_to(port_);
  must(::listen(fd, 4096), "listen");
  acceptor_.assign(asio::ip::tcp::v4(), fd);
  asio::co_spawn(acceptor_.get_executor(), accept(), asio::detached);
}

void Endpoint::shut() {
  timer_.cancel();
  if (acceptor_.is_open()) close();
  for_each_conversation(&Conversation::crash);
}

void Endpoint::close() { acceptor_.close(); }

asio::awaitable<void> Endpoint::live(Clock::time_point start) {
  for (const Step& step : life_.steps) {
    timer_.expires_at(start + step.at);
    co_await timer_.async_wait(asio::use_awaitable);
    enter(step.state);
  }
}

void Endpoint::enter(const State& state) {
  const Mode before = std::exchange(state_, state).mode;
  const Mode now = state.mode;
  if (listens(before) && !listens(now)) close();
  if (now == Mode::refuse && now != before) for_each_conversation(&Conversation::retire);
  if (now == Mode::dies && now != before) for_each_conversation(&Conversation::crash);
  if (!listens(before) && listens(now)) open();
  if (now == Mode::dies) places_.clear();
  if ((before == Mode::black_hole) != (now == Mode::black_hole)) vanish(now == Mode::black_hole);
}

void Endpoint::vanish(bool gone) {
  wire_.set_dark(port_, gone);
  drop_what_arrives(acceptor_.native_handle(), gone);
  for_each_conversation(gone ? &Conversation::vanish : &Conversation::reappear);
}

void Endpoint::for_each_conversation(void (Conversation::*act)()) {
  const auto all = conversations_;  // some leave while we walk
  for (Conversation* const one : all) (one->*act)();
}

// Ends when the acceptor is closed.
asio::awaitable<void> Endpoint::accept() {
  while (true) {
    auto socket = co_await acceptor_.async_accept(asio::use_awaitable);
    const auto conversation = std::make_shared<Conversation>(std::move(socket), *this);
    if (state_.mode == Mode::black_hole) conversation->vanish();
    asio::co_spawn(
        acceptor_.get_executor(), [conversation] { return conversation->run(); }, asio::detached);
  }
}

Clock::time_point Endpoint::served_at(Clock::time_point now) {
  std::exponential_distribution<double> random(1);
  const double us =
      static_cast<double>(life_.fixed.count()) + random(random_) * static_cast<double>(life_.mean.count());
  return places_.book(now, state_.places, microseconds(static_cast<microseconds::rep>(us * state_.factor)));
}

bool Endpoint::suffers() { return std::uniform_real_distribution<double>(0, 1)(random_) < state_.share; }

}  // namespace chaos
