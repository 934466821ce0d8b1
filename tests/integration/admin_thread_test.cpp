// SPDX-License-Identifier: Apache-2.0
// What the clients of the admin and the probes can cost the process and each other.
#include <chrono>
#include <set>
#include <string>
#include <vector>

#include "tests/support/process.hpp"
#include "tests/support/reserved_port.hpp"
#include "tests/support/rig.hpp"

using namespace fusewire::testing;

namespace {

std::string many_upstreams(int count) {
  std::string text = "listen: 127.0.0.1:0\nupstreams:\n";
  for (int i = 0; i < count; ++i) text += "  u" + std::to_string(i) + ": http://127.0.0.1:9000\n";
  std::string routes = "listeners:\n  - {name: main, address: \"127.0.0.1:0\", routes: [{upstream: u0}]}\n";
  return routes + text.substr(text.find('\n') + 1);
}

std::string get(const std::string& target) { return "GET " + target + " HTTP/1.1\r\nHost: localhost\r\n\r\n"; }

}  // namespace

TEST_CASE("scrapers that do not read their answers delay neither a probe nor a reload nor a drain") {
  TestProxy proxy(many_upstreams(300), {}, {"admin.probes=127.0.0.1:0"});
  std::vector<Connection> stalled;
  for (int i = 0; i < 16; ++i) {
    stalled.push_back(Connection::to(proxy.probes_port()));
    stalled.back().send(get("/metrics"));
  }
  Connection probe = Connection::to(proxy.probes_port());
  probe.send(get("/admin/ready"));
  CHECK(read_response(probe).status == 200);
  CHECK(proxy.reload(many_upstreams(301)).status == 200);
  CHECK(proxy.admin_change("/admin/drain").status == 202);
  CHECK(proxy.wait() == 0);
}

TEST_CASE("sixteen scrapers share one text a second") {
  TestProxy proxy(many_upstreams(50));
  std::vector<Connection> scrapers;
  std::set<std::string> texts;
  const auto taken = time_of([&] {
    for (int i = 0; i < 16; ++i) {
      scrapers.push_back(Connection::to(proxy.admin_port()));
      scrapers.back().send(get("/metrics"));
    }
    for (Connection& scraper : scrapers) texts.insert(read_response(scraper).body);
  });
  CHECK(texts.size() <= static_cast<std::size_t>(taken / std::chrono::seconds(1)) + 2);
}

TEST_CASE("process: half-sent requests at the probes' port cost next to no memory") {
  ScriptedUpstream upstream;
  const ReservedPort data;
  const ReservedPort admin;
  const ReservedPort probes;
  TemporaryFolder folder;
  const auto address = [](const ReservedPort& port) { return "127.0.0.1:" + std::to_string(port.number()); };
  Process process(
      {"run", "-c",
       folder.write("fusewire.yaml", "listen: " + address(data) + "\nupstreams: {orders: \"http://127.0.0.1:" +
                                         std::to_string(upstream.port()) + "\"}\nadmin: {address: \"" + address(admin) +
                                         "\", probes: \"" + address(probes) + "\"}\n")});
  const auto ready = [&] {
    try {
      Connection client = Connection::to(probes.number());
      client.send(get("/admin/ready"));
      return read_response(client).status == 200;
    } catch (const std::system_error&) {
      return false;
    }
  };
  REQUIRE(eventually(ready));
  const std::size_t before = process.resident_bytes();
  std::vector<Connection> half;
  const std::string head = "GET /metrics HTTP/1.1\r\nHost: localhost\r\n";
  for (int i = 0; i < 63; ++i) {
    half.push_back(Connection::to(probes.number()));
    half.back().send(i % 2 == 0 ? head + "Content-Length: 1000000\r\n\r\n" + std::string(200'000, 'x')
                                : head + "X: " + std::string(60'000, 'x'));
    CHECK(ready());
  }
  CHECK(process.resident_bytes() < before + kMemoryFactor * 4 * 1024 * 1024);
}
