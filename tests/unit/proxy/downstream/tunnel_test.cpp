// SPDX-License-Identifier: Apache-2.0
// A tunnel over pairs of sockets, with a loop that is run only where the test says so.
#include "proxy/downstream/tunnel.hpp"

#include <doctest/doctest.h>
#include <sys/socket.h>

#include <string>

#include "proxy/net/clock.hpp"
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

// A tunnel that runs, until it has ended or the test is over.
struct Running : Rig {
  Running() {
    spawn(run(), "test");
    settle();
  }
  ~Running() {
    open->cut();
    settle();
    CHECK(is_over);
  }
  void settle() {
    for (int turns = 0; turns < 3; ++turns) turn();
  }
  void client_says(std::string_view bytes) {
    REQUIRE(say(client.theirs(), bytes) == bytes.size());
    settle();
  }
  void upstream_says(std::string_view bytes) {
    REQUIRE(say(upstream.theirs(), bytes) == bytes.size());
    settle();
  }
  void finishes(const Pair& side) {
    ::shutdown(side.theirs(), SHUT_WR);
    settle();
  }
  void goes(Pair& side) {
    ::close(side.theirs());
    side.ends[1] = -1;
    settle();
  }
  // The idle time, once more. The wheel is turned to shortly before it first: from further away it would find in the
  // same turn what is armed anew, by the real clock.
  void idle_time_passes() {
    loop.deadlines().tick(steady_now() + std::chrono::hours(1) - std::chrono::seconds(5));
    loop.deadlines().tick(steady_now() + std::chrono::hours(1) + ++passed);
    settle();
  }

  bool is_over = false;
  std::chrono::seconds passed{0};
  std::unique_ptr<Tunnel> open = tunnel();

 private:
  Task<void> run() {
    co_await open->run();
    is_over = true;
  }
};

// Neither a byte nor the end.
bool hears_nothing(int end) {
  char byte = 0;
  return ::recv(end, &byte, 1, MSG_PEEK) < 0 && errno == EAGAIN;
}
bool hears_the_end(int end) {
  char byte = 0;
  return ::recv(end, &byte, 1, MSG_PEEK) == 0;
}
bool hears_a_reset(int end) {
  char byte = 0;
  return ::recv(end, &byte, 1, MSG_PEEK) < 0 && errno == ECONNRESET;
}

}  // namespace

// ------------------------------------------------------------------------------------------------------ both ways

TEST_CASE("bytes go both ways, each at any time, and are counted by direction") {
  Running tunnel;
  tunnel.upstream_says("welcome");
  tunnel.client_says("hi");
  tunnel.client_says("there");
  CHECK(hear(tunnel.client.theirs()) == "welcome");
  CHECK(hear(tunnel.upstream.theirs()) == "hithere");
  CHECK(tunnel.open->bytes_in() == 7);
  CHECK(tunnel.open->bytes_out() == 7);
  tunnel.upstream_says("!");
  CHECK(tunnel.open->bytes_out() == 8);
}

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

// ------------------------------------------------------------------------------------------------------ its end

TEST_CASE("one side's goodbye is passed on, and the other side may speak on") {
  Running tunnel;
  tunnel.finishes(tunnel.client);
  CHECK(hears_the_end(tunnel.upstream.theirs()));
  CHECK(hears_nothing(tunnel.client.theirs()));
  tunnel.upstream_says("one thing more");
  CHECK(hear(tunnel.client.theirs()) == "one thing more");
  CHECK_FALSE(tunnel.is_over);
}

TEST_CASE("a tunnel is over when both sides have said goodbye, and nobody is to blame") {
  Running tunnel;
  tunnel.finishes(tunnel.upstream);
  CHECK_FALSE(tunnel.is_over);
  tunnel.finishes(tunnel.client);
  CHECK(tunnel.is_over);
  CHECK(tunnel.open->flags() == 0);
  CHECK(hears_the_end(tunnel.client.theirs()));
  CHECK(hears_the_end(tunnel.upstream.theirs()));
}

TEST_CASE("an upstream that breaks off ends the tunnel at both ends") {
  Running tunnel;
  tunnel.client_says("unread");
  tunnel.goes(tunnel.upstream);  // with bytes that it has not read: a reset
  CHECK(tunnel.is_over);
  CHECK(tunnel.open->flags() == bits(Flag::upstream_reset));
  CHECK(hears_the_end(tunnel.client.theirs()));
}

TEST_CASE("a side that is gone is found out by what is written to it") {
  Running tunnel;
  SUBCASE("the upstream") {
    tunnel.goes(tunnel.upstream);
    CHECK_FALSE(tunnel.is_over);
    tunnel.client_says("are you there?");
    CHECK(tunnel.open->flags() == bits(Flag::upstream_reset));
  }
  SUBCASE("the client") {
    tunnel.goes(tunnel.client);
    CHECK_FALSE(tunnel.is_over);
    tunnel.upstream_says("are you there?");
    CHECK(tunnel.open->flags() == bits(Flag::client_gone));
  }
  CHECK(tunnel.is_over);
}

TEST_CASE("a tunnel that is cut ends at both ends at once, whatever waits, and nobody is to blame") {
  Running tunnel;
  while (say(tunnel.client.theirs(), numbered(10'000)) > 0) tunnel.turn();  // until the upstream takes no more
  tunnel.open->cut();
  CHECK(hears_a_reset(tunnel.client.theirs()));  // what it has sent is lost
  tunnel.settle();
  CHECK(tunnel.is_over);
  CHECK(tunnel.open->flags() == 0);
}

// ------------------------------------------------------------------------------------------------------ standing still

TEST_CASE("a tunnel in which nothing has moved for the idle time ends as the upstream's timeout") {
  Running tunnel;
  tunnel.client_says("hi");
  CHECK(hear(tunnel.upstream.theirs()) == "hi");
  tunnel.loop.deadlines().tick(steady_now() + std::chrono::minutes(59));
  tunnel.settle();
  CHECK_FALSE(tunnel.is_over);
  tunnel.idle_time_passes();
  CHECK(tunnel.is_over);
  CHECK(tunnel.open->flags() == bits(Flag::upstream_timeout));
}

TEST_CASE("a tunnel stays while a slow side takes something of what waits for it in each idle time") {
  Running tunnel;
  for (const std::string_view piece : {"one", "two", "six"}) tunnel.upstream_says(piece);
  tunnel.idle_time_passes();
  CHECK_FALSE(tunnel.is_over);
  char three[3];
  for (int pieces = 0; pieces < 2; ++pieces) {
    REQUIRE(::recv(tunnel.client.theirs(), three, sizeof three, 0) == 3);
    tunnel.idle_time_passes();
    CHECK_FALSE(tunnel.is_over);
  }
  tunnel.idle_time_passes();
  CHECK(tunnel.is_over);
  CHECK(tunnel.open->flags() == bits(Flag::upstream_timeout));
}

// ------------------------------------------------------------------------------------------------------ its record

TEST_CASE("a tunnel's record outlives the request that it was made for, and says how the tunnel went") {
  Running tunnel;
  {
    const std::string method = "GET", path = "/a path of some length", host = "a host of some length";
    const std::string route = "the route of that request", upstream = "the upstream of that request";
    const std::string trace = "0123456789abcdef0123456789abcdef";
    AccessRecord record;
    record.method = method;
    record.path = path;
    record.host = host;
    record.route = route;
    record.upstream = upstream;
    record.trace_id = trace;
    record.status = 101;
    record.flags = bits(Flag::fault_injected);
    tunnel.open->keep(record, nullptr);
  }
  tunnel.upstream_says("welcome");
  tunnel.client_says("hi");
  tunnel.goes(tunnel.upstream);
  const AccessRecord record = tunnel.open->finished_record(Time{}, Time{std::chrono::seconds(3)});
  CHECK(record.method == "GET");
  CHECK(record.path == "/a path of some length");
  CHECK(record.host == "a host of some length");
  CHECK(record.route == "the route of that request");
  CHECK(record.upstream == "the upstream of that request");
  CHECK(record.trace_id == "0123456789abcdef0123456789abcdef");
  CHECK(record.status == 101);
  CHECK(record.bytes_in == 2);
  CHECK(record.bytes_out == 7);
  CHECK(record.total == std::chrono::seconds(3));
  CHECK(record.flags == bits(Flag::fault_injected, Flag::upstream_reset));
}

TEST_CASE("what else a tunnel's record views is kept as long as the tunnel") {
  Running tunnel;
  auto endpoint = std::make_shared<const std::string>("http://10.0.0.1");
  const std::weak_ptr<const std::string> watched = endpoint;
  AccessRecord record;
  record.endpoint = *endpoint;
  tunnel.open->keep(record, std::move(endpoint));
  CHECK_FALSE(watched.expired());
  CHECK(tunnel.open->finished_record(Time{}, Time{}).endpoint == "http://10.0.0.1");
}
