// SPDX-License-Identifier: Apache-2.0
// A client that goes away while its response is pending: the upstream exchange is cancelled at once, and neutral.
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <string>

#include "tests/support/process.hpp"
#include "tests/support/rig.hpp"
#include "tests/support/silent_port.hpp"

using namespace fusewire::testing;

namespace {

enum class Leaving { by_fin, by_rst };

void leave(Connection& client, Leaving how) {
  if (how == Leaving::by_rst) {
    client.reset();
  } else {
    client.close();
  }
}

// The upstream sees its connection end, and the breaker counts one neutral call and nothing else.
void check_cancelled(Rig& rig) {
  CHECK(eventually([&] { return rig.upstream.open_connections() == 0; }));
  CHECK(eventually([&] { return rig.proxy.breaker().totals.neutral == 1; }));
  CHECK(rig.proxy.breaker().totals.failure == 0);
  CHECK(rig.proxy.breaker().totals.success == 0);
}

// Takes connections and never a byte from them.
class UnheedingSocket {
 public:
  explicit UnheedingSocket(const std::filesystem::path& path) : listener_(::socket(AF_UNIX, SOCK_STREAM, 0)) {
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    path.string().copy(address.sun_path, sizeof address.sun_path - 1);
    REQUIRE(::bind(listener_, reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0);
    REQUIRE(::listen(listener_, 16) == 0);
  }
  ~UnheedingSocket() { ::close(listener_); }

 private:
  int listener_;
};

constexpr Leaving kBoth[] = {Leaving::by_fin, Leaving::by_rst};

}  // namespace

TEST_CASE("a client that leaves before the response's head cancels the upstream exchange") {
  for (const Leaving how : kBoth) {
    CAPTURE(static_cast<int>(how));
    Rig rig(scripts::hang());
    Connection client = rig.proxy.connect();
    client.send("GET / HTTP/1.1\r\nHost: h\r\n\r\n");
    REQUIRE(eventually([&] { return rig.upstream.request_count() == 1; }));
    leave(client, how);
    check_cancelled(rig);
  }
}

TEST_CASE("a client's leaving reaches the upstream within 50 ms") {
  for (const Leaving how : kBoth) {
    CAPTURE(static_cast<int>(how));
    milliseconds best = 1h;  // of several: the machine may be busy with something else
    for (int i = 0; i < 10 && best > 50ms; ++i) {
      std::atomic<std::int64_t> seen{0};
      Rig rig([&](Call& call) {
        call.hang();
        seen = std::chrono::steady_clock::now().time_since_epoch().count();
      });
      Connection client = rig.proxy.connect();
      client.send("GET / HTTP/1.1\r\nHost: h\r\n\r\n");
      REQUIRE(eventually([&] { return rig.upstream.request_count() == 1; }));
      const auto left = std::chrono::steady_clock::now();
      leave(client, how);
      REQUIRE(eventually([&] { return seen != 0; }));
      const std::chrono::steady_clock::time_point at{std::chrono::steady_clock::duration(seen)};
      best = std::min(best, std::chrono::duration_cast<milliseconds>(at - left));
    }
    CHECK(best <= 50ms);
  }
}

TEST_CASE("a client that leaves in the middle of a response cancels the upstream exchange") {
  for (const Leaving how : kBoth) {
    CAPTURE(static_cast<int>(how));
    Rig rig([](Call& call) {
      call.send("HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\nthe beginning");
      call.hang();
    });
    Connection client = rig.proxy.connect();
    client.send("GET / HTTP/1.1\r\nHost: h\r\n\r\n");
    REQUIRE(client.take_until("the beginning").has_value());
    leave(client, how);
    check_cancelled(rig);
  }
}

TEST_CASE("a client that leaves in the middle of its upload cancels the upstream exchange") {
  for (const Leaving how : kBoth) {
    CAPTURE(static_cast<int>(how));
    Rig rig;
    Connection client = rig.proxy.connect();
    client.send("POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 1000\r\n\r\nthe beginning");
    REQUIRE(eventually([&] { return rig.upstream.request_count() == 1; }));
    leave(client, how);
    check_cancelled(rig);
    CHECK_FALSE(rig.upstream.requests().front().complete);
  }
}

TEST_CASE("a client that resets while its upload waits for the upstream cancels the exchange") {
  for (const bool chunked : {false, true}) {
    CAPTURE(chunked);
    Rig rig([](Call& call) { eventually([&] { return call.stopping(); }, 10s); });  // never reads
    Connection client = rig.proxy.connect();
    client.send(chunked ? "POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n8000000\r\n"
                        : "POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 134217728\r\n\r\n");
    const std::string piece(256 * 1024, 'x');
    while (client.send(piece, 200ms)) continue;  // until everything between here and there is full
    client.reset();
    CHECK(eventually([&] { return rig.proxy.breaker().totals.neutral == 1; }, 2s));
    CHECK(rig.proxy.breaker().totals.failure == 0);
  }
}

TEST_CASE("a client that closes while its upload waits for the upstream cancels the exchange") {
  const TemporaryFolder folder;
  const UnheedingSocket upstream(folder.path() / "upstream");
  TestProxy proxy("listen: 127.0.0.1:0\nupstreams:\n  orders:\n    endpoints: [\"unix:" +
                  (folder.path() / "upstream").string() + "\"]\n    timeouts: {idle: 1h, total: 1h}\n");
  Connection client = proxy.connect();
  client.send("POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 134217728\r\n\r\n");
  client.send(std::string(248 * 1024, 'x'));  // more than a unix socket takes, but all of it is taken from the client
  client.close();
  CHECK(eventually([&] { return proxy.breaker().totals.neutral == 1; }, 2s));
  CHECK(proxy.breaker().totals.failure == 0);
}

TEST_CASE("a client that leaves while its connection to the upstream is being made is seen to leave") {
  const SilentPort silent;
  TestProxy proxy(orders("    timeouts: {connect: 1h, total: 1h}\n"), {{"ORDERS", silent.number()}});
  std::uint64_t left = 0;
  for (const Leaving how : kBoth)
    for (const bool says_more : {false, true}) {
      CAPTURE(static_cast<int>(how));
      CAPTURE(says_more);
      Connection client = proxy.connect();
      client.send("POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 10\r\n\r\n");
      CHECK_FALSE(client.ended(50ms));  // its head is read meanwhile
      if (says_more) client.send("abc");
      CHECK_FALSE(client.ended(50ms));
      leave(client, how);
      ++left;
      CHECK(eventually([&] { return proxy.breaker().totals.neutral == left; }, 2s));
      CHECK(proxy.breaker().totals.failure == 0);
    }
}

TEST_CASE("a client that leaves after a second segment of its request is seen to leave") {
  for (const Leaving how : kBoth) {
    CAPTURE(static_cast<int>(how));
    Rig rig(scripts::hang());
    Connection client = rig.proxy.connect();
    client.send("GET / HTTP/1.1\r\n");
    client.send("Host: h\r\n\r\n");
    REQUIRE(eventually([&] { return rig.upstream.request_count() == 1; }));
    client.send("GET /pipelined");
    leave(client, how);
    check_cancelled(rig);
  }
}

TEST_CASE("a client that leaves behind more pipelined bytes than are read ahead is seen to leave") {
  for (const Leaving how : kBoth) {
    for (const bool has_head : {false, true}) {
      CAPTURE(static_cast<int>(how));
      CAPTURE(has_head);
      Rig rig([has_head](Call& call) {
        if (has_head) call.send("HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\nthe beginning");
        call.hang();
      });
      Connection client = rig.proxy.connect();
      client.send("GET / HTTP/1.1\r\nHost: h\r\n\r\n");
      REQUIRE(eventually([&] { return rig.upstream.request_count() == 1; }));
      if (has_head) REQUIRE(client.take_until("the beginning").has_value());
      client.send(std::string(80 * 1024, 'x'));  // a buffer, and some that the kernel keeps for us
      leave(client, how);
      check_cancelled(rig);
    }
  }
}

TEST_CASE("a client that half-closes its side is gone as well") {
  Rig rig(scripts::hang());
  Connection client = rig.proxy.connect();
  client.send("GET / HTTP/1.1\r\nHost: h\r\n\r\n");
  REQUIRE(eventually([&] { return rig.upstream.request_count() == 1; }));
  client.shut_down_writing();
  check_cancelled(rig);
}

TEST_CASE("what a client that left had occupied is free again") {
  Rig rig(scripts::hang(), "    limits: {max_concurrent_requests: 1}\n");
  for (int i = 0; i < 3; ++i) {
    Connection client = rig.proxy.connect();
    client.send("GET / HTTP/1.1\r\nHost: h\r\n\r\n");
    const auto arrived = static_cast<std::size_t>(i) + 1;
    REQUIRE(eventually([&] { return rig.upstream.request_count() == arrived; }));
    client.close();
    REQUIRE(eventually([&] { return rig.proxy.breaker().totals.neutral == arrived; }));
  }
  rig.upstream.script(scripts::ok());
  CHECK(eventually([&] { return rig.proxy.get("/").status == 200; }));
}
