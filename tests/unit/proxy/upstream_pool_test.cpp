// SPDX-License-Identifier: Apache-2.0
// The pool over real sockets, with a loop that is run only where the test says so.
#include "proxy/upstream_pool.hpp"

#include <doctest/doctest.h>
#include <sys/socket.h>

#include <string_view>
#include <utility>

using namespace fusewire;
using namespace fusewire::proxy;

namespace {

struct Rig {
  asio::io_context io{1};
  BufferPool buffers;
  DeadlineWheel wheel{io};
  UpstreamPool pool{wheel};
  std::shared_ptr<UpstreamState> state =
      std::make_shared<UpstreamState>(config::Upstream{}, std::chrono::steady_clock::now(), 1, 1);
  std::vector<int> peers;

  ~Rig() {
    for (int peer : peers) ::close(peer);
    pool.close_all();
    io.poll();
  }
  // An idle connection to endpoint 0; gives the other end.
  int park() {
    int ends[2];
    REQUIRE(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, ends) == 0);
    Socket socket(io.get_executor());
    socket.assign(Protocol(AF_UNIX, 0), ends[0]);
    socket.non_blocking(true);
    REQUIRE(UpstreamConnection::take_slot(*state, 100));
    pool.give_back(0,
                   std::make_unique<UpstreamConnection>(ChannelPtr(new Channel(std::move(socket), buffers)), state, 0),
                   std::chrono::steady_clock::now());
    peers.push_back(ends[1]);
    return ends[1];
  }
  std::uint64_t open() const { return state->connections.load(); }
};

void say(int peer, std::string_view bytes) {
  REQUIRE(::send(peer, bytes.data(), bytes.size(), 0) == static_cast<ssize_t>(bytes.size()));
}

}  // namespace

TEST_CASE("the warmest idle connection is taken first") {
  Rig rig;
  rig.park();
  const int warm = rig.park();
  const auto taken = rig.pool.take(0);
  REQUIRE(taken);
  CHECK(taken->reused());
  ::shutdown(warm, SHUT_RDWR);
  CHECK_FALSE(taken->channel().is_silent());
  CHECK(rig.pool.take(0));
  CHECK_FALSE(rig.pool.take(0));
}

TEST_CASE("an idle connection with unasked bytes is not taken, even before the loop has come to them") {
  Rig rig;
  say(rig.park(), "HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\npoison");
  CHECK_FALSE(rig.pool.take(0));
  CHECK(rig.open() == 0);
}

TEST_CASE("an idle connection that has been closed is not taken, and an older one that is good takes its place") {
  Rig rig;
  rig.park();
  ::shutdown(rig.park(), SHUT_RDWR);
  CHECK(rig.open() == 2);
  CHECK(rig.pool.take(0));
  CHECK(rig.open() == 0);
}
