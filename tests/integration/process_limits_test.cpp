// SPDX-License-Identifier: Apache-2.0
// What the program does when descriptors are few, and how much memory and how many descriptors its clients can cost it.
#include <sys/resource.h>

#include <atomic>
#include <string>
#include <vector>

#include "tests/support/rig.hpp"
#include "tests/support/running.hpp"

using namespace fusewire::testing;

TEST_CASE("process: out of file descriptors it neither crashes nor spins, and clients that wait longest give way") {
  ScriptedUpstream upstream;
  Running running(upstream.port(), "log: {access: off}\n");
  const rlimit few{60, 60};
  REQUIRE(::prlimit(running.process.pid(), RLIMIT_NOFILE, &few, nullptr) == 0);
  std::vector<Connection> hoard;
  for (int i = 0; i < 100; ++i) hoard.push_back(running.connect());
  CHECK(running.ready() == 200);  // the operator is never locked out
  CHECK(running.get() == 200);
  CHECK(hoard.front().ended());
  CHECK_FALSE(hoard.back().ended(1000ms));
  const double before = running.process.cpu_seconds();
  CHECK_FALSE(hoard.back().ended(1000ms));
  CHECK(running.process.cpu_seconds() - before < 0.5);
  CHECK(running.get() == 200);
}

TEST_CASE("process: while all descriptors are taken by clients that are being served, it waits and does not spin") {
  ScriptedUpstream upstream(scripts::hang());
  Running running(upstream.port(), "    circuit_breaker: {mode: disabled}\nlog: {access: off}\n");
  const rlimit few{60, 60};
  REQUIRE(::prlimit(running.process.pid(), RLIMIT_NOFILE, &few, nullptr) == 0);
  std::vector<Connection> hoard;
  for (int i = 0; i < 100; ++i) {
    hoard.push_back(running.connect());
    hoard.back().send("POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 100\r\n\r\n");
  }
  const double before = running.process.cpu_seconds();
  CHECK_FALSE(hoard.back().ended(1000ms));
  CHECK(running.process.cpu_seconds() - before < 0.5);
  CHECK(running.ready() == 200);
  upstream.script(scripts::ok());
  hoard.clear();
  CHECK(eventually([&] { return running.get() == 200; }));
}

TEST_CASE("process: the descriptors kept for upstreams are not held by one worker's idle connections") {
  std::atomic<bool> go{false};
  ScriptedUpstream upstream([&](Call& call) {
    eventually([&] { return go.load() || call.stopping(); });
    call.send(response(200, "done"));
  });
  Running running(upstream.port(), "runtime: {workers: 2}\nlog: {access: off}\n");
  const rlimit few{100, 100};
  REQUIRE(::prlimit(running.process.pid(), RLIMIT_NOFILE, &few, nullptr) == 0);
  std::vector<Connection> clients;  // by turns the first worker's and the second's
  for (int i = 0; i < 100; ++i) clients.push_back(running.connect());
  clients.back().send("OPTIONS / HTTP/1.1\r\nHost: h\r\nMax-Forwards: 0\r\n\r\n");
  REQUIRE(read_response(clients.back(), "OPTIONS").status == 200);  // all have been accepted
  REQUIRE(clients[0].ended());                                      // the first ones have given way to the last ones
  const std::string request = "GET / HTTP/1.1\r\nHost: h\r\n\r\n";
  for (std::size_t i = 58; i < 98; i += 2) clients[i].send(request);
  REQUIRE(read_response(clients[96]).status == 502);  // no descriptor is left for it
  go = true;
  for (std::size_t i = 58; i < 96; i += 2) read_response(clients[i]);
  int status = 0;  // of the first of the second worker's that has not given way
  for (std::size_t i = 51; i < 98 && status == 0; i += 2) {
    clients[i].send(request);
    status = read_response(clients[i]).status;
  }
  CHECK(status == 200);
}

TEST_CASE("process: clients of every bad kind leave no descriptor and little memory behind") {
  ScriptedUpstream upstream(scripts::ok(std::string(4 * 1024 * 1024, 'x')));
  Running running(upstream.port(), "log: {access: off}\n");
  CHECK(running.get() == 200);
  const std::string kinds[] = {
      "",
      "GET / HTTP/1.1\r\nHo",
      "nonsense\r\n\r\n",
      "POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 1000000\r\n\r\nhalf",
      "POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\nffff\r\nhalf",
      "GET / HTTP/1.1\r\nHost: h\r\n\r\n",  // and does not read
  };
  const auto abuse = [&] {
    std::vector<Connection> clients;
    for (int i = 0; i < 90; ++i) {
      clients.push_back(running.connect());
      clients.back().send(kinds[static_cast<std::size_t>(i) % std::size(kinds)]);
    }
    CHECK(running.ready() == 200);
    for (std::size_t i = 0; i < clients.size(); i += 2) clients[i].reset();
  };
  abuse();
  CHECK(eventually([&] { return upstream.open_connections() <= 2; }));
  const std::size_t before = running.process.descriptors();
  const std::size_t memory = running.process.resident_bytes();
  for (int i = 0; i < 5; ++i) abuse();
  CHECK(eventually([&] { return running.process.descriptors() <= before + 2; }));
  CHECK(running.process.resident_bytes() < memory + kMemoryFactor * 16 * 1024 * 1024);
  CHECK(running.get() == 200);
}

TEST_CASE("process: a body that nobody takes costs at most 256 KiB of memory a connection") {
  constexpr int kClients = 40;
  constexpr std::size_t kOffered = 64 * 1024 * 1024;
  std::atomic<int> blocked{0};
  ScriptedUpstream upstream([&](Call& call) {
    const std::string piece(256 * 1024, 'x');
    call.send("HTTP/1.1 200 OK\r\nContent-Length: " + std::to_string(kOffered) + "\r\n\r\n");
    std::size_t sent = 0;
    while (sent < kOffered && call.connection().send(piece, 500ms)) sent += piece.size();
    if (sent < kOffered) ++blocked;
    call.hang();
  });
  Running running(upstream.port(), "    circuit_breaker: {mode: disabled}\nruntime: {workers: 1}\n");
  const std::size_t before = running.process.resident_bytes();
  std::vector<Connection> clients;
  for (int i = 0; i < kClients; ++i) {
    clients.push_back(running.connect());
    clients.back().send("GET / HTTP/1.1\r\nHost: h\r\n\r\n");
  }
  REQUIRE(eventually([&] { return blocked == kClients; }, 60s));
  CHECK(running.process.resident_bytes() - before <= kClients * 256 * 1024 * kMemoryFactor);
}
