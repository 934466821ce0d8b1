// SPDX-License-Identifier: Apache-2.0
// One connection by way of several addresses, over real sockets.
#include "proxy/net/connector.hpp"

#include <doctest/doctest.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/local/stream_protocol.hpp>
#include <string>

#include "tests/support/eventually.hpp"

using namespace fusewire;
using namespace fusewire::proxy;
using namespace std::chrono_literals;

namespace {

enum class Manner { serves, refuses, is_silent };

// A port of 127.0.0.1 with manners: one that is silent has its backlog full, so that the kernel drops every SYN.
class Port {
 public:
  explicit Port(Manner manner) {
    socket_ = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    sockaddr_in where{};
    where.sin_family = AF_INET;
    where.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    REQUIRE(::bind(socket_, reinterpret_cast<const sockaddr*>(&where), sizeof where) == 0);
    socklen_t size = sizeof where;
    ::getsockname(socket_, reinterpret_cast<sockaddr*>(&where), &size);
    address_ = asio::ip::tcp::endpoint(asio::ip::address_v4::loopback(), ntohs(where.sin_port));
    if (manner == Manner::refuses) return;
    REQUIRE(::listen(socket_, manner == Manner::serves ? 16 : 0) == 0);
    for (int& filler : fillers_) {
      if (manner == Manner::serves) continue;
      filler = ::socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
      ::connect(filler, reinterpret_cast<const sockaddr*>(&where), sizeof where);
    }
  }
  ~Port() {
    for (const int filler : fillers_)
      if (filler >= 0) ::close(filler);
    ::close(socket_);
  }
  const SocketAddress& address() const { return address_; }

 private:
  int socket_ = -1;
  int fillers_[4] = {-1, -1, -1, -1};
  SocketAddress address_;
};

struct Try final : Watcher {
  explicit Try(std::vector<SocketAddress> addresses, milliseconds within = 20s) {
    const Time until = std::chrono::steady_clock::now() + within;
    connector->start(std::move(addresses), until, *this);
    while (!connector->done() && std::chrono::steady_clock::now() < until) loop.turn(until);
  }
  ~Try() {
    if (connector->outcome() == Outcome::pending && connector->done()) ::close(connector->take_descriptor());
    connector->cancel();
  }
  void on_activity() override {}

  Loop loop;
  ConnectorPtr connector{new Connector(loop)};
};

}  // namespace

TEST_CASE("the first address that answers is taken") {
  const Port one(Manner::serves), two(Manner::serves);
  const Try attempt({one.address(), two.address()});
  CHECK(attempt.connector->done());
  CHECK(attempt.connector->outcome() == Outcome::pending);
  CHECK(attempt.connector->tried() == 1);
}

TEST_CASE("addresses that refuse are passed over") {
  const Port one(Manner::refuses), two(Manner::refuses), three(Manner::serves);
  const Try attempt({one.address(), two.address(), three.address()});
  CHECK(attempt.connector->outcome() == Outcome::pending);
  CHECK(attempt.connector->tried() == 3);
  CHECK_FALSE(attempt.connector->was_late(0));
}

TEST_CASE("where all refuse the connection is refused") {
  const Port one(Manner::refuses), two(Manner::refuses);
  const Try attempt({one.address(), two.address()});
  CHECK(attempt.connector->outcome() == Outcome::connect_refused);
  CHECK(attempt.connector->tried() == 2);
}

TEST_CASE("an address that is silent leaves the next one half of the time") {
  const Port one(Manner::is_silent), two(Manner::serves);
  const auto begin = std::chrono::steady_clock::now();
  const Try attempt({one.address(), two.address()}, 600ms);
  CHECK(attempt.connector->done());
  CHECK(attempt.connector->outcome() == Outcome::pending);
  CHECK(attempt.connector->tried() == 2);
  CHECK(std::chrono::steady_clock::now() - begin >= 300ms);
  CHECK(attempt.connector->was_late(0));
  CHECK_FALSE(attempt.connector->was_late(1));
}

TEST_CASE("the last address has all the time that is left") {
  const Port one(Manner::is_silent);
  const Try attempt({one.address()}, 100ms);
  CHECK_FALSE(attempt.connector->done());
}

TEST_CASE("a unix socket whose queue is full is tried again until its owner has accepted") {
  const std::string path = "/tmp/fusewire-connector-" + std::to_string(::getpid());
  ::unlink(path.c_str());
  const asio::local::stream_protocol::endpoint where(path);
  const int owner = ::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
  REQUIRE(::bind(owner, where.data(), static_cast<socklen_t>(where.size())) == 0);
  REQUIRE(::listen(owner, 0) == 0);
  const int filler = ::socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  REQUIRE(::connect(filler, where.data(), static_cast<socklen_t>(where.size())) == 0);

  struct Deaf final : Watcher {
    void on_activity() override {}
  } deaf;
  Loop loop;
  const ConnectorPtr connector(new Connector(loop));
  connector->start({SocketAddress(where)}, kNever, deaf);
  CHECK_FALSE(connector->done());
  loop.deadlines().tick(std::chrono::steady_clock::now() + 10ms);
  CHECK_FALSE(connector->done());
  ::close(::accept(owner, nullptr, nullptr));
  loop.deadlines().tick(std::chrono::steady_clock::now() + 1s);
  loop.turn(Time{});
  CHECK(connector->is_connected());
  connector->cancel();
  ::close(filler);
  ::close(owner);
  ::unlink(path.c_str());
}
