// SPDX-License-Identifier: Apache-2.0
// A tunnel over pairs of sockets, with a loop that is run only where the test says so.
#include "proxy/downstream/tunnel.hpp"

#include <doctest/doctest.h>
#include <sys/socket.h>

#include <string>

#include "proxy/net/spawn.hpp"

using namespace fusewire;
using namespace fusewire::proxy;

namespace {

constexpr int kSmall = 4608;  // the least that the kernel grants

// Two ends, of which the first writes into a small send buffer.
struct Pair {
  Pair() {
    REQUIRE(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, ends) == 0);
    REQUIRE(::setsockopt(ends[0], SOL_SOCKET, SO_SNDBUF, &kSmall, sizeof kSmall) == 0);
  }
  ~Pair() { ::close(ends[1]); }
  int ours() const { return ends[0]; }
  int theirs() const { return ends[1]; }

  int ends[2];
};

// No two offsets share their bytes by accident.
std::string numbered(std::size_t size) {
  std::string text;
  while (text.size() < size) text += std::to_string(text.size()) + ' ';
  text.resize(size);
  return text;
}

// Whatever the kernel has room for.
std::size_t say(int end, std::string_view bytes) {
  const ssize_t n = ::send(end, bytes.data(), bytes.size(), MSG_NOSIGNAL);
  return n < 0 ? 0 : static_cast<std::size_t>(n);
}

std::string hear(int end) {
  std::string bytes(64 * 1024, '\0');
  const ssize_t n = ::recv(end, bytes.data(), bytes.size(), 0);
  bytes.resize(n < 0 ? 0 : static_cast<std::size_t>(n));
  return bytes;
}

struct Rig {
  Rig() { REQUIRE(UpstreamConnection::acquire_slot(*state, 100)); }
  void turn() { loop.turn(std::chrono::steady_clock::now()); }
  // What a session has read of the client before the 101, with a further read under way.
  void read_ahead() {
    client_channel->start_read();
    turn();
    turn();
    REQUIRE_FALSE(client_channel->buffer().empty());
    client_channel->start_read();
  }
  std::unique_ptr<Tunnel> tunnel() {
    return std::make_unique<Tunnel>(loop.deadlines(), client_channel,
                                    std::make_unique<UpstreamConnection>(
                                        ChannelPtr(new Channel(loop, upstream.ours(), buffers)), backend, state, 0),
                                    std::chrono::hours(1));
  }

  BufferPool buffers;
  Loop loop;
  std::shared_ptr<UpstreamState> state =
      std::make_shared<UpstreamState>(config::Upstream{}, std::chrono::steady_clock::now(), 1, 1);
  BackendPtr backend{new Backend(SocketAddress())};
  Pair client, upstream;
  ChannelPtr client_channel{new Channel(loop, client.ours(), buffers)};
};

}  // namespace

TEST_CASE("what a client sends while its first bytes wait for the upstream is not lost") {
  Rig rig;
  const std::string sent = numbered(68'000);
  std::size_t said = say(rig.client.theirs(), std::string_view(sent).substr(0, 30'000));
  REQUIRE(said == 30'000);
  rig.read_ahead();
  const auto tunnel = rig.tunnel();
  spawn(tunnel->run(), "test");
  std::string got;
  for (int i = 0; i < 10'000 && got.size() < sent.size(); ++i) {
    said += say(rig.client.theirs(), std::string_view(sent).substr(said));
    for (int turns = 0; turns < 3; ++turns) rig.turn();
    got += hear(rig.upstream.theirs());
  }
  CHECK((got == sent));
  CHECK(tunnel->bytes_in() == sent.size());
  tunnel->cut();
  for (int turns = 0; turns < 3; ++turns) rig.turn();
}

TEST_CASE("a reset behind a client's goodbye ends the tunnel") {
  Rig rig;
  const auto tunnel = rig.tunnel();
  spawn(tunnel->run(), "test");
  CHECK(say(rig.upstream.theirs(), "unread") == 6);
  for (int turns = 0; turns < 3; ++turns) rig.turn();
  ::shutdown(rig.client.theirs(), SHUT_WR);
  for (int turns = 0; turns < 3; ++turns) rig.turn();
  CHECK(tunnel->flags() == 0);
  ::close(rig.client.theirs());  // with bytes that it has not read: a reset
  for (int turns = 0; turns < 3; ++turns) rig.turn();
  CHECK(tunnel->flags() == static_cast<std::uint16_t>(Flag::client_gone));
  rig.client.ends[1] = -1;
}
