// SPDX-License-Identifier: Apache-2.0
// Where all connections of a listener are taken, the client that has kept us waiting longest gives way to a new one.
#include <string>
#include <vector>

#include "tests/support/rig.hpp"

using namespace fusewire::testing;

namespace {

const std::string kGet = "GET / HTTP/1.1\r\nHost: h\r\n\r\n";

std::string limit(int connections, const std::string& when_full) {
  return "    limits: {max_connections: " + std::to_string(connections) + ", when_full: " + when_full + "}\n";
}

Response ask_once(Connection& client) {
  client.send(kGet);
  return read_response(client);
}

// With another listener, through which each worker can be had to make a turn.
const std::string kSide = "    routes:\n      - upstream: orders\n  - name: side\n    address: 127.0.0.1:0\n";
constexpr int kWorkers = 3;

// Clients that have their answers are idle: the turns in which they were answered are over.
void settle(const Rig& rig) {
  for (int i = 0; i < kWorkers; ++i) {
    Connection client = Connection::to(rig.proxy.port("side"));
    REQUIRE(ask_once(client).status == 200);
  }
}

}  // namespace

TEST_CASE("the client that has been idle longest gives way to a new one, whichever worker has it") {
  Rig rig(scripts::ok(), "", limit(4, "refuse") + kSide, {"runtime.workers=" + std::to_string(kWorkers)});
  std::vector<Connection> clients;
  for (int i = 0; i < 4; ++i) {
    clients.push_back(rig.proxy.connect());
    REQUIRE(ask_once(clients.back()).status == 200);
    settle(rig);  // a client has its answer a moment before its worker takes it for idle
  }
  CHECK(ask_once(clients[0]).status == 200);  // now the second is the one that has been idle longest
  settle(rig);
  for (std::size_t n = 1; n <= 3; ++n) {
    CAPTURE(n);
    clients.push_back(rig.proxy.connect());
    CHECK(ask_once(clients.back()).status == 200);
    CHECK(clients[n].ended());
    CHECK(clients[n].end() == End::eof);
    CHECK(eventually([&] { return rig.proxy.metric("fusewire_connections") <= 4; }));
    settle(rig);
  }
  CHECK(ask_once(clients[0]).status == 200);
}

// While a listener is full its answers end their connections, so that more than one place may become free: which ones
// is not said here.
TEST_CASE("idle clients give way to new ones that wait for a place") {
  Rig rig(scripts::ok(), "", limit(4, "wait"), {"runtime.workers=" + std::to_string(kWorkers)});
  std::vector<Connection> clients;
  for (int i = 0; i < 12; ++i) {
    CAPTURE(i);
    clients.push_back(rig.proxy.connect());
    REQUIRE(ask_once(clients.back()).status == 200);
    CHECK(eventually([&] { return rig.proxy.metric("fusewire_connections") <= 4; }));
  }
}

TEST_CASE("clients whose requests are being served do not give way") {
  Rig rig(scripts::hang(), "", limit(2, "refuse"));
  std::vector<Connection> busy;
  for (std::size_t i = 0; i < 2; ++i) {
    busy.push_back(rig.proxy.connect());
    busy.back().send(kGet);
    REQUIRE(eventually([&] { return rig.upstream.request_count() == i + 1; }));
  }
  check_problem(rig.proxy.get("/"), 503, "ConcurrencyLimit");
  CHECK_FALSE(busy[0].ended(100ms));
  CHECK_FALSE(busy[1].ended(0ms));
}

TEST_CASE("a client that owes the body of a request that was answered here gives way, and delays no drain") {
  Rig rig(scripts::ok(), "", limit(2, "refuse"));
  std::vector<Connection> owing;
  for (int i = 0; i < 2; ++i) {
    owing.push_back(rig.proxy.connect());
    owing.back().send("OPTIONS / HTTP/1.1\r\nHost: h\r\nMax-Forwards: 0\r\nContent-Length: 1000\r\n\r\nx");
    REQUIRE(read_response(owing.back(), "OPTIONS").status == 200);
  }
  CHECK(rig.proxy.get("/").status == 200);
  CHECK(eventually([&] { return owing[0].ended(10ms) || owing[1].ended(10ms); }));
  rig.proxy.drain();
  for (Connection& client : owing) CHECK(client.ended());
}

TEST_CASE("clients that have said nothing, or half a head, give way once they have had a moment for it") {
  for (const std::string half : {"", "GET / HTTP/1.1\r\nHo"}) {
    for (const std::string when_full : {"refuse", "wait"}) {
      CAPTURE(half);
      CAPTURE(when_full);
      Rig rig(scripts::ok(), "", limit(3, when_full));
      std::vector<Connection> slow;
      for (int i = 0; i < 3; ++i) {
        slow.push_back(rig.proxy.connect());
        slow.back().send(half);
      }
      CHECK(rig.proxy.get("/").status == 200);
      // One of them, and no more: they came at nearly the same time, to several workers.
      int gone = 0;
      for (Connection& client : slow) gone += client.ended(50ms) ? 1 : 0;
      CHECK(gone == 1);
    }
  }
}

TEST_CASE("a client that drips its head gives way as one that is silent does") {
  Rig rig(scripts::ok(), "", limit(1, "wait"));
  Connection dripping = rig.proxy.connect();
  dripping.send("GET / HTTP/1.1\r\nX-Drip: ");
  Connection next = rig.proxy.connect();
  next.send(kGet);
  int drops = 0;
  while (drops < 1000 && !next.fill(5ms) && dripping.send("x")) ++drops;
  CHECK(drops < 1000);
  CHECK(read_response(next).status == 200);
}

TEST_CASE("while clients wait for a full listener, responses say that the connection closes") {
  std::atomic<bool> go{false};
  Rig rig(
      [&](Call& call) {
        if (call.number() == 1) eventually([&] { return go.load() || call.stopping(); });
        call.send(response(200, "done"));
      },
      "", limit(1, "wait"));
  Connection first = rig.proxy.connect();
  first.send(kGet);
  REQUIRE(eventually([&] { return rig.upstream.request_count() == 1; }));
  Connection second = rig.proxy.connect();
  second.send(kGet);
  CHECK_FALSE(second.fill(300ms));
  go = true;
  const Response last = read_response(first);
  CHECK(last.status == 200);
  CHECK(last.field("Connection") == "close");
  CHECK(read_response(second).status == 200);
}
