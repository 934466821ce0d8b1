// SPDX-License-Identifier: Apache-2.0
// What follows a 101: an opaque tunnel with half-close, under tunnel_idle only.
#include <atomic>
#include <string>
#include <vector>

#include "tests/support/forever.hpp"
#include "tests/support/tunnels.hpp"

using namespace fusewire::testing;

namespace {

// Stays until the test is over, so that only the other side ends the tunnel.
void stay(Call& call) {
  eventually([&] { return call.stopping(); }, 60s);
}

}  // namespace

TEST_CASE("bytes pass in both directions, whatever they are") {
  Rig rig(scripts::echo_tunnel());
  Connection client = open_tunnel(rig.proxy);
  for (const std::string& bytes : {std::string("hello"), std::string("GET / HTTP/1.1\r\n\r\n"), std::string(3, '\0'),
                                   pattern(300'000), std::string("0\r\n\r\n")}) {
    REQUIRE(client.send(bytes));
    CHECK(client.take(bytes.size()) == bytes);
  }
  CHECK(rig.upstream.request_count() == 1);
}

TEST_CASE("100 MiB pass through a tunnel and back, byte for byte") {
  Rig rig(scripts::echo_tunnel());
  Connection client = open_tunnel(rig.proxy);
  const std::string sent = pattern(100 * 1024 * 1024);
  REQUIRE(client.send(sent));
  client.shut_down_writing();
  const std::string back = client.take_all();
  CHECK(back.size() == sent.size());
  CHECK((back == sent));
  CHECK(client.end() == End::eof);
}

TEST_CASE("bytes that come with either head are the tunnel's first, and none is sent before the switch") {
  std::string too_early;
  Rig rig([&](Call& call) {
    call.wait(200ms);
    too_early = call.connection().buffered();
    call.send(std::string(kSwitch) + "first of the upstream");
    call.send(", after " + call.connection().take(19, kForever));
    call.hang();
  });
  Connection client = rig.proxy.connect();
  client.send(handshake() + "first ");
  client.send("of the client");
  CHECK(read_response(client).status == 101);
  CHECK(client.take(48) == "first of the upstream, after first of the client");
  CHECK(too_early == "");
}

TEST_CASE("one side's end is passed on while the other direction goes on") {
  SUBCASE("the client's") {
    Rig rig(scripts::tunnel([](Call& call) {
      const std::string asked = call.connection().take_all(kForever);  // until its FIN
      call.send("answer to " + asked);
    }));
    Connection client = open_tunnel(rig.proxy);
    client.send("question");
    client.shut_down_writing();
    CHECK(client.take_all() == "answer to question");
    CHECK(client.end() == End::eof);
  }
  SUBCASE("the upstream's") {
    std::atomic<bool> heard{false};
    Rig rig(scripts::tunnel([&](Call& call) {
      call.send("that is all");
      call.connection().shut_down_writing();
      heard = call.connection().take_all(kForever) == "I see";
    }));
    Connection client = open_tunnel(rig.proxy);
    CHECK(client.take_all() == "that is all");
    CHECK(client.end() == End::eof);
    client.send("I see");
    client.shut_down_writing();
    CHECK(eventually([&] { return heard.load(); }));
  }
}

TEST_CASE("a side that breaks breaks the other, which must not take it for a goodbye") {
  SUBCASE("the client") {
    std::atomic<int> end{-1};
    Rig rig(scripts::tunnel([&](Call& call) {
      call.connection().ended(kForever);
      end = static_cast<int>(call.connection().end());
    }));
    Connection client = open_tunnel(rig.proxy);
    client.reset();
    CHECK(eventually([&] { return end == static_cast<int>(End::reset); }));
  }
  SUBCASE("the upstream") {
    Rig rig(scripts::tunnel([](Call& call) {
      call.connection().take(2, kForever);
      call.connection().reset();
    }));
    Connection client = open_tunnel(rig.proxy);
    client.send("go");
    CHECK(client.ended());
    CHECK(client.end() == End::reset);
  }
  SUBCASE("the client, while the upstream does not read") {
    Rig rig(scripts::tunnel(stay));
    Connection client = open_tunnel(rig.proxy);
    const std::string piece(256 * 1024, 'x');
    while (client.send(piece, 200ms)) continue;  // until everything between here and there is full
    client.reset();
    CHECK(eventually([&] { return rig.proxy.metric("fusewire_connections") == 0; }));
  }
}

TEST_CASE("a side that does not read makes the other wait") {
  constexpr std::size_t kMuch = 128 * 1024 * 1024;
  const std::string piece(256 * 1024, 'x');
  std::atomic<std::size_t> sent{0};
  std::atomic<bool> blocked{false};
  Rig rig(scripts::tunnel([&](Call& call) {
    while (sent < kMuch && call.connection().send(piece, 500ms)) sent += piece.size();
    blocked = true;
    call.hang();
  }));
  Connection client = open_tunnel(rig.proxy);
  CHECK(eventually([&] { return blocked.load(); }));
  CHECK(sent < kMuch / 2);

  rig.upstream.script(scripts::tunnel(stay));
  Connection other = open_tunnel(rig.proxy);
  std::size_t taken = 0;
  while (taken < kMuch && other.send(piece, 500ms)) taken += piece.size();
  CHECK(taken < kMuch / 2);
}

TEST_CASE("a tunnel knows no timeout but tunnel_idle, and any byte in any direction puts that off") {
  Rig rig(scripts::tunnel([](Call& call) {
            for (int i = 0; i < 4; ++i) {  // 800 ms without a byte of the client
              if (!call.wait(200ms)) return;
              call.send("x");
            }
            call.hang();
          }),
          "    timeouts: {response: 100ms, idle: 100ms, total: 100ms, tunnel_idle: 500ms}\n",
          "    limits: {body_timeout: 100ms, idle_timeout: 100ms, send_timeout: 100ms, head_timeout: 100ms}\n");
  Connection client = open_tunnel(rig.proxy);
  const milliseconds talking = time_of([&] { CHECK(client.take(4) == "xxxx"); });
  CHECK(talking >= 700ms);
  const milliseconds silent = time_of([&] { CHECK(client.ended()); });
  CHECK(silent >= 450ms);
  CHECK(silent < 2s);
  CHECK(client.end() == End::reset);
  CHECK(eventually([&] { return rig.upstream.open_connections() == 0; }));
}

TEST_CASE("a reader that takes a byte now and then keeps its tunnel") {
  const std::string sent = pattern(16 * 1024 * 1024);
  Rig rig(scripts::tunnel([&](Call& call) { call.connection().send(sent, kForever); }),
          "    timeouts: {tunnel_idle: 400ms}\n");
  Connection client = open_tunnel(rig.proxy);
  std::string got;
  Connection waiting = rig.proxy.connect();  // silent: a delay that is no sleep
  while (got.size() < sent.size() && client.end() == End::open && waiting.end() == End::open) {
    got += client.take(1024 * 1024);
    waiting.ended(100ms);
  }
  got += client.take_all();
  CHECK((got == sent));
}

TEST_CASE("the call ends as a success when the 101 is read, and gives its place among the requests back") {
  Rig rig(scripts::in_turn({scripts::echo_tunnel(), scripts::ok()}),
          "    limits: {max_concurrent_requests: 1, max_connections: 2}\n");
  Connection client = open_tunnel(rig.proxy);
  CHECK(rig.proxy.breaker().totals.success == 1);
  CHECK(rig.proxy.metric(R"(fusewire_requests_total{listener="main",upstream="orders",code_class="1xx"})") == 1);
  CHECK(rig.proxy.get("/").status == 200);
  client.send("still there");
  CHECK(client.take(11) == "still there");
  client.reset();
  CHECK(eventually([&] { return rig.proxy.metric("fusewire_connections") == 0; }));
  CHECK(rig.proxy.breaker().totals.failure == 0);
  CHECK(rig.proxy.breaker().totals.success == 2);
}

TEST_CASE("a tunnel's connection keeps its place among the upstream's connections, and is never used again") {
  Rig rig(scripts::in_turn({scripts::echo_tunnel(), scripts::ok("plain")}), "    limits: {max_connections: 1}\n");
  Connection client = open_tunnel(rig.proxy);
  check_problem(rig.proxy.get("/"), 503, "ConcurrencyLimit", "connection_limit_reached");
  client.shut_down_writing();
  CHECK(client.take_all() == "");
  CHECK(eventually([&] { return rig.proxy.get("/").body == "plain"; }));
  CHECK(rig.upstream.connection_count() == 2);
}

TEST_CASE("a tunnel lives on over reloads, and when its listener and its upstream are gone") {
  ScriptedUpstream upstream(scripts::echo_tunnel());
  ScriptedUpstream other;
  const auto file = [](const std::string& name, const std::string& target) {
    return "listeners:\n  - name: " + name + "\n    address: 127.0.0.1:0\nupstreams:\n  " + target +
           ": http://127.0.0.1:${" + (target == "orders" ? "ORDERS" : "OTHER") + "}\n";
  };
  TestProxy proxy(file("main", "orders"), {{"ORDERS", upstream.port()}, {"OTHER", other.port()}});
  Connection client = open_tunnel(proxy);
  for (const std::string& text : {file("main", "orders"), file("second", "other")}) {
    REQUIRE(proxy.reload(text).status == 200);
    client.send("hello");
    CHECK(client.take(5) == "hello");
  }
  client.shut_down_writing();
  CHECK(client.take_all() == "");
}

TEST_CASE("a drain lets tunnels be until drain_timeout, then cuts them") {
  Rig rig(scripts::echo_tunnel(), "", "", {"shutdown.drain_timeout=600ms"});
  Connection client = open_tunnel(rig.proxy);
  rig.proxy.drain();
  client.send("hello");
  CHECK(client.take(5) == "hello");
  CHECK(time_of([&] { CHECK(rig.proxy.wait() == 0); }) >= 500ms);
  CHECK(client.ended());
  CHECK(client.end() == End::reset);
}

TEST_CASE("a drain ends as soon as the last tunnel has ended") {
  Rig rig(scripts::echo_tunnel());
  Connection client = open_tunnel(rig.proxy);
  rig.proxy.drain();
  client.shut_down_writing();
  CHECK(client.take_all() == "");
  CHECK(time_of([&] { CHECK(rig.proxy.wait() == 0); }) < 10s);
}

TEST_CASE("many tunnels at once do not disturb each other") {
  Rig rig(scripts::echo_tunnel());
  std::vector<Connection> clients;
  for (int i = 0; i < 100; ++i) clients.push_back(open_tunnel(rig.proxy));
  for (std::size_t i = 0; i < clients.size(); ++i) clients[i].send("message " + std::to_string(i) + ";");
  for (std::size_t i = 0; i < clients.size(); ++i)
    CHECK(clients[i].take_until(";") == "message " + std::to_string(i) + ";");
}
