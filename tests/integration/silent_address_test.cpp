// SPDX-License-Identifier: Apache-2.0
// An address from which nothing comes any more, not even a refusal.
#include <fstream>
#include <sstream>
#include <string>
#include <vector>

#include "tests/support/rig.hpp"

using namespace fusewire::testing;

namespace {

// Connections of this machine that wait for an answer to their SYN.
std::size_t unanswered_dials(std::uint16_t port) {
  constexpr const char* kSynSent = "02";
  std::ifstream table("/proc/net/tcp");
  std::size_t count = 0;
  for (std::string line; std::getline(table, line);) {
    std::istringstream words(line);
    std::string number, local, remote, state;
    words >> number >> local >> remote >> state;
    count += state == kSynSent && std::stoul(remote.substr(remote.find(':') + 1), nullptr, 16) == port;
  }
  return count;
}

}  // namespace

TEST_CASE("an address that has fallen silent gets a few SYNs and not one for each request; once it answers all go on") {
  Rig rig(scripts::reply("HTTP/1.1 200 OK\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"),
          "    timeouts: {connect: 60s, response: 60s, total: 90s}\n    circuit_breaker: {mode: disabled}\n");
  REQUIRE(rig.proxy.get("/").status == 200);
  rig.upstream.silence(true);
  std::vector<Connection> clients;
  std::size_t dials = 0;
  std::size_t without_dial = 0;  // so many requests in a row
  while (clients.size() < 400 && without_dial < 20) {
    clients.push_back(rig.proxy.connect());
    clients.back().send("GET / HTTP/1.1\r\nHost: a\r\n\r\n");
    CHECK(rig.proxy.admin("GET", "/metrics").status == 200);  // takes longer than a SYN and its answer
    const std::size_t now = unanswered_dials(rig.upstream.port());
    without_dial = now == dials ? without_dial + 1 : 0;
    dials = now;
  }
  CHECK(without_dial == 20);
  CHECK(dials >= 2);
  CHECK(dials < clients.size() / 2);
  rig.upstream.silence(false);
  for (Connection& client : clients) {
    const Response reply = read_response(client);
    CAPTURE(reply.body);
    CHECK(reply.status == 200);
  }
}

TEST_CASE("dials whose SYNs are lost in a moment are made again within their time: nobody's call fails") {
  Rig rig(scripts::reply("HTTP/1.1 200 OK\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"));
  REQUIRE(rig.proxy.get("/").status == 200);
  rig.upstream.silence(true);
  std::vector<Connection> clients;
  for (int i = 0; i < 12; ++i) {
    clients.push_back(rig.proxy.connect());
    clients.back().send("GET / HTTP/1.1\r\nHost: a\r\n\r\n");
  }
  CHECK(eventually([&] { return unanswered_dials(rig.upstream.port()) > 0; }));
  rig.upstream.silence(false);
  for (Connection& client : clients) CHECK(read_response(client).status == 200);
}
