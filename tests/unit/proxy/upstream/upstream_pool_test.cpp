// SPDX-License-Identifier: Apache-2.0
// The pool over real sockets, with a loop that is run only where the test says so.
#include "proxy/upstream/upstream_pool.hpp"

#include <doctest/doctest.h>
#include <sys/socket.h>

#include <string_view>
#include <utility>

using namespace fusewire;
using namespace fusewire::proxy;
using namespace std::chrono_literals;

namespace {

struct Rig {
  BufferPool buffers;
  Loop loop;
  UpstreamPool pool{loop.deadlines()};
  std::shared_ptr<UpstreamState> state =
      std::make_shared<UpstreamState>(config::Upstream{}, std::chrono::steady_clock::now(), 1, 1);
  std::vector<int> peers;

  ~Rig() {
    for (int peer : peers) ::close(peer);
    pool.close_all();
  }
  // What has happened is known to the loop, and nobody has been notified.
  void look() { loop.turn(std::chrono::steady_clock::now()); }
  BackendPtr backend{new Backend(SocketAddress())};
  // An idle connection to the backend; gives the other end.
  int park(milliseconds keep = 60s) {
    int ends[2];
    REQUIRE(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, ends) == 0);
    REQUIRE(UpstreamConnection::acquire_slot(*state, 100));
    peers.push_back(ends[1]);
    pool.give_back(
        std::make_unique<UpstreamConnection>(ChannelPtr(new Channel(loop, ends[0], buffers)), backend, state, 0),
        std::chrono::steady_clock::now(), keep);
    return ends[1];
  }
  std::unique_ptr<UpstreamConnection> take(std::chrono::seconds later = 0s, milliseconds keep = 60s) {
    return pool.take(*backend, std::chrono::steady_clock::now() + later, keep);
  }
  std::uint64_t open() const { return state->connections.load(); }
};

void say(int peer, std::string_view bytes) {
  REQUIRE(::send(peer, bytes.data(), bytes.size(), MSG_NOSIGNAL) == static_cast<ssize_t>(bytes.size()));
}

// A client whose request is in the same batch of events as what happens to the pool, and comes first.
class Client final : public Loop::Source {
 public:
  explicit Client(Rig& rig) : rig_(rig) {
    REQUIRE(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, ends_) == 0);
    REQUIRE(rig.loop.watch(ends_[0], *this));
    rig.look();  // that it can be written to
    say(ends_[1], "GET");
  }
  ~Client() {
    ::close(ends_[0]);
    ::close(ends_[1]);
  }
  bool taken() {
    waits_ = true;
    rig_.look();
    REQUIRE_FALSE(waits_);
    return taken_;
  }

 private:
  void note(std::uint32_t) override {}
  void act() override {
    if (std::exchange(waits_, false)) taken_ = rig_.take() != nullptr;
  }

  Rig& rig_;
  int ends_[2];
  bool waits_ = false;
  bool taken_ = false;
};

}  // namespace

TEST_CASE("the warmest idle connection is taken first") {
  Rig rig;
  rig.park();
  const int warm = rig.park();
  const auto taken = rig.take();
  REQUIRE(taken);
  CHECK(taken->reused());
  ::shutdown(warm, SHUT_RDWR);
  rig.look();
  CHECK_FALSE(taken->channel().is_silent());
  CHECK(rig.take());
  CHECK_FALSE(rig.take());
}

TEST_CASE("an idle connection with unasked bytes is not taken, even by a request in the same batch of events") {
  Rig rig;
  const int upstream = rig.park();
  rig.look();
  Client client(rig);
  say(upstream, "HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\npoison");
  CHECK_FALSE(client.taken());
  CHECK(rig.open() == 0);
}

TEST_CASE("an idle connection that has been closed is not taken, and an older one that is good takes its place") {
  Rig rig;
  rig.park();
  const int upstream = rig.park();
  rig.look();
  Client client(rig);
  ::shutdown(upstream, SHUT_RDWR);
  CHECK(client.taken());
  CHECK(rig.open() == 0);
}

TEST_CASE("a backend that is gone has its idle connections closed, and none is kept any more") {
  Rig rig;
  rig.park();
  rig.park();
  auto in_use = rig.take();
  rig.pool.retire(*rig.backend);
  CHECK(rig.open() == 1);
  rig.pool.give_back(std::move(in_use), std::chrono::steady_clock::now(), 60s);
  CHECK(rig.open() == 0);
}

TEST_CASE("an idle connection makes room for its own upstream only") {
  Rig rig;
  rig.park();
  const UpstreamState other(config::Upstream{}, std::chrono::steady_clock::now(), 1, 1);
  CHECK_FALSE(rig.pool.evict_one(other));
  CHECK(rig.pool.evict_one(*rig.state));
  CHECK_FALSE(rig.pool.evict_one(*rig.state));
  CHECK(rig.open() == 0);
}

TEST_CASE("where descriptors are short the connection gives way that has been idle longest, of whichever upstream") {
  Rig rig;
  CHECK_FALSE(rig.pool.evict_longest());
  rig.park();
  rig.park();
  CHECK(rig.pool.evict_longest());
  CHECK(rig.open() == 1);
  CHECK(rig.pool.evict_longest());
  CHECK_FALSE(rig.pool.evict_longest());
  CHECK(rig.open() == 0);
}

TEST_CASE("an idle connection is not taken when its time is over") {
  Rig rig;
  rig.park(4s);
  CHECK_FALSE(rig.take(4s));
  CHECK(rig.open() == 0);
  rig.park(4s);
  CHECK(rig.take(3s));
}

TEST_CASE("a shorter time of the configuration holds for connections that are idle already") {
  Rig rig;
  rig.park(60s);
  CHECK_FALSE(rig.take(5s, 5s));
  CHECK(rig.open() == 0);
}

TEST_CASE("a connection that is not to be kept is closed at once") {
  Rig rig;
  rig.park(0s);
  CHECK(rig.open() == 0);
}

TEST_CASE("idle connections are closed when their time is over, each by its own") {
  Rig rig;
  rig.park(60s);
  rig.park(10ms);
  rig.park(20ms);
  const Time until = std::chrono::steady_clock::now() + 5s;
  while (rig.open() > 1 && std::chrono::steady_clock::now() < until) rig.loop.turn(until);
  CHECK(rig.open() == 1);
  CHECK(rig.take());
}
