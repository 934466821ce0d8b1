// SPDX-License-Identifier: Apache-2.0
// Listeners that a reload renames, moves, widens or removes: what they have accepted is served.
#include <signal.h>
#include <sys/socket.h>
#include <sys/un.h>

#include <atomic>
#include <filesystem>
#include <fstream>
#include <string>
#include <thread>
#include <vector>

#include "tests/support/process.hpp"
#include "tests/support/reserved_port.hpp"
#include "tests/support/rig.hpp"

using namespace fusewire::testing;

namespace {

const std::string kGet = "GET / HTTP/1.1\r\nHost: h\r\n\r\n";

std::string listener(const std::string& name, const std::string& address = "127.0.0.1:${PORT}") {
  return "  - {name: " + name + ", address: \"" + address + "\", routes: [{upstream: orders}]}\n";
}

const std::string kUpstream = "upstreams:\n  orders: \"http://127.0.0.1:${ORDERS}\"\n";

// Clients that come to a port one after the other, six at a time, until stop().
class Clients {
 public:
  explicit Clients(std::uint16_t port) {
    for (int i = 0; i < 6; ++i)
      threads_.emplace_back([this, port] {
        while (!over_) come(port);
      });
  }
  ~Clients() { stop(); }
  Clients(const Clients&) = delete;
  Clients& operator=(const Clients&) = delete;

  bool ten_more_are_served() const {
    return eventually([this, before = served.load()] { return served > before + 10; });
  }
  void stop() {
    over_ = true;
    for (auto& thread : threads_)
      if (thread.joinable()) thread.join();
  }

  std::atomic<int> served{0}, failed{0}, refused{0};

 private:
  void come(std::uint16_t port) {
    try {
      Connection client = Connection::to(port);
      client.send(kGet);
      ++(read_response(client).status == 200 ? served : failed);
    } catch (const std::system_error&) {
      ++refused;
    }
  }

  std::atomic<bool> over_{false};
  std::vector<std::thread> threads_;
};

}  // namespace

TEST_CASE("connections whose listener is renamed or removed before they have said anything are served, then closed") {
  for (const bool removed : {false, true}) {
    CAPTURE(removed);
    ScriptedUpstream upstream;
    ReservedPort port;
    TestProxy proxy("listeners:\n" + listener("main", "127.0.0.1:0") + listener("old") + kUpstream,
                    {{"ORDERS", upstream.port()}, {"PORT", port.number()}});
    std::vector<Connection> clients;
    for (int i = 0; i < 20; ++i) clients.push_back(Connection::to(port.number()));
    // What is still in the backlog of a listener that is renamed is the new one's.
    if (!removed) REQUIRE(eventually([&] { return proxy.metric("fusewire_connections") >= 20; }));
    const Response report =
        proxy.reload("listeners:\n" + listener("main", "127.0.0.1:0") + (removed ? "" : listener("new")) + kUpstream);
    REQUIRE(report.status == 200);
    for (Connection& client : clients) client.send(kGet);
    for (Connection& client : clients) {
      const Response reply = read_response(client);
      CHECK(reply.status == 200);
      CHECK(reply.field("Connection") == "close");
      CHECK(client.ended());
      CHECK(client.end() == End::eof);
    }
  }
}

TEST_CASE("a response that is under way when its listener is renamed says that the connection closes") {
  std::atomic<bool> go{false};
  ScriptedUpstream upstream([&](Call& call) {
    eventually([&] { return go.load() || call.stopping(); });
    call.send(response(200, "done"));
  });
  ReservedPort port;
  TestProxy proxy("listeners:\n" + listener("old") + kUpstream, {{"ORDERS", upstream.port()}, {"PORT", port.number()}});
  Connection client = Connection::to(port.number());
  client.send(kGet);
  REQUIRE(eventually([&] { return upstream.request_count() == 1; }));
  REQUIRE(proxy.reload("listeners:\n" + listener("new") + kUpstream).status == 200);
  go = true;
  const Response reply = read_response(client);
  CHECK(reply.body == "done");
  CHECK(reply.field("Connection") == "close");
  CHECK(client.ended());
}

TEST_CASE("clients that come while a listener is renamed again and again are all served") {
  ScriptedUpstream upstream;
  ReservedPort port;
  TestProxy proxy("listeners:\n" + listener("name0") + kUpstream,
                  {{"ORDERS", upstream.port()}, {"PORT", port.number()}});
  Clients clients(port.number());
  int reloads = 0;
  for (; reloads < 40; ++reloads) {
    const std::string next = "name" + std::to_string((reloads + 1) % 2);
    if (proxy.reload("listeners:\n" + listener(next) + kUpstream).status != 200) break;
    if (!clients.ten_more_are_served()) break;
  }
  clients.stop();
  CHECK(reloads == 40);
  CHECK(clients.failed == 0);
  CHECK(clients.refused == 0);
}

TEST_CASE("clients that come while a listener is removed and added again are refused or served, never reset") {
  ScriptedUpstream upstream;
  ReservedPort port;
  const std::string main = "listeners:\n" + listener("main", "127.0.0.1:0");
  TestProxy proxy(main + listener("extra") + kUpstream, {{"ORDERS", upstream.port()}, {"PORT", port.number()}});
  Clients clients(port.number());
  int reloads = 0;
  for (; reloads < 20; ++reloads) {
    if (proxy.reload(main + kUpstream).status != 200) break;
    if (proxy.reload(main + listener("extra") + kUpstream).status != 200) break;
    if (!clients.ten_more_are_served()) break;
  }
  clients.stop();
  CHECK(reloads == 20);
  CHECK(clients.failed == 0);
}

TEST_CASE("a unix socket's whole backlog is served when its listener closes") {
  ScriptedUpstream upstream;
  TemporaryFolder folder;
  const std::string path = (folder.path() / "in.sock").string();
  // 500 connections at once, on a machine with other work.
  TestProxy proxy("defaults: {timeouts: {connect: 20s}}\nlisteners:\n" + listener("main", "unix:" + path) + kUpstream,
                  {{"ORDERS", upstream.port()}});
  std::vector<Connection> clients;
  std::thread knocks([&] {
    for (int i = 0; i < 500; ++i) {
      try {
        clients.push_back(Connection::to(path));
        clients.back().send(kGet);
      } catch (const std::system_error&) {
        return;  // closed
      }
    }
  });
  eventually([&] { return upstream.request_count() > 5; });
  proxy.drain();
  knocks.join();
  int lost = 0;
  for (Connection& client : clients) lost += read_response(client).status == 200 ? 0 : 1;
  CHECK(lost == 0);
  CHECK(proxy.wait() == 0);
}

TEST_CASE("a listener can be renamed, and two can swap their addresses, without a restart") {
  ScriptedUpstream first(scripts::ok("first")), second(scripts::ok("second"));
  ReservedPort a, b;
  const Ports ports = {{"FIRST", first.port()}, {"SECOND", second.port()}, {"A", a.number()}, {"B", b.number()}};
  const auto listener = [](const std::string& name, const std::string& port, const std::string& upstream) {
    return "  - {name: " + name + ", address: \"127.0.0.1:${" + port + "}\", routes: [{upstream: " + upstream + "}]}\n";
  };
  const std::string rest =
      "upstreams:\n  first: \"http://127.0.0.1:${FIRST}\"\n  second: \"http://127.0.0.1:${SECOND}\"\n";
  TestProxy proxy("listeners:\n" + listener("main", "A", "first") + listener("other", "B", "second") + rest, ports);
  const auto body_at = [](std::uint16_t port) {
    Connection client = Connection::to(port);
    client.send("GET / HTTP/1.1\r\nHost: h\r\n\r\n");
    return read_response(client).body;
  };
  CHECK(body_at(a.number()) == "first");

  CHECK(
      proxy.reload("listeners:\n" + listener("main", "B", "first") + listener("other", "A", "second") + rest).status ==
      200);
  CHECK(body_at(b.number()) == "first");
  CHECK(body_at(a.number()) == "second");
  CHECK(proxy.port("main") == b.number());

  CHECK(proxy.reload("listeners:\n" + listener("renamed", "B", "first") + rest).status == 200);
  CHECK(body_at(b.number()) == "first");
  CHECK(proxy.port("renamed") == b.number());
  CHECK(eventually([&] { return refused(a.number()); }));
}

TEST_CASE("a listener can be widened to all addresses and narrowed again without a restart") {
  ScriptedUpstream upstream;
  ReservedPort port;
  const auto at = [](const std::string& address) {
    return "listeners: [{name: main, address: \"" + address + ":${PORT}\", routes: [{upstream: orders}]}]\n" +
           "upstreams:\n  orders: \"http://127.0.0.1:${ORDERS}\"\n";
  };
  TestProxy proxy(at("127.0.0.1"), {{"ORDERS", upstream.port()}, {"PORT", port.number()}});
  for (const char* address : {"0.0.0.0", "127.0.0.1"}) {
    CAPTURE(address);
    const Response report = proxy.reload(at(address));
    CHECK_MESSAGE(report.status == 200, report.body);
    CHECK(proxy.get("/").status == 200);
  }
  const Response taken = proxy.reload(
      "listeners: [{name: main, address: \"127.0.0.1:${ORDERS}\", routes: [{upstream: "
      "orders}]}]\nupstreams:\n  orders: \"http://127.0.0.1:${ORDERS}\"\n");
  CHECK(taken.status != 200);
  CHECK(proxy.get("/").status == 200);
}

TEST_CASE("two listeners on one port, of which the next start would refuse one, are refused by a reload, too") {
  ScriptedUpstream upstream;
  ReservedPort port;
  const std::string main =
      "listeners:\n  - {name: main, address: \"127.0.0.1:${PORT}\", routes: [{upstream: orders}]}\n";
  const std::string rest = "upstreams:\n  orders: \"http://127.0.0.1:${ORDERS}\"\n";
  TestProxy proxy(main + rest, {{"ORDERS", upstream.port()}, {"PORT", port.number()}});
  for (const char* address : {"0.0.0.0", "localhost"}) {
    CAPTURE(address);
    const std::string second =
        std::string("  - {name: second, address: \"") + address + ":${PORT}\", routes: [{upstream: orders}]}\n";
    CHECK(proxy.reload(main + second + rest).status != 200);
    CHECK(proxy.get("/").status == 200);
  }
}
