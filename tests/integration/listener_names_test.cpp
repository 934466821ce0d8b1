// SPDX-License-Identifier: Apache-2.0
// A listener whose address is a name: it is on every address of it (own_hosts.cpp knows the names).
#include <string>

#include "tests/support/ipv6.hpp"
#include "tests/support/rig.hpp"

using namespace fusewire::testing;

namespace {

const std::string kGet = "GET / HTTP/1.1\r\nHost: h\r\n\r\n";

std::string at(const std::string& address, const std::string& name = "main", const std::string& lines = {}) {
  return "listeners:\n  - name: " + name + "\n    address: " + address + "\n" + lines +
         "    routes: [{upstream: orders}]\nupstreams: {orders: \"http://127.0.0.1:${ORDERS}\"}\n";
}

int status_over(Connection client) {
  client.send(kGet);
  return read_response(client).status;
}

struct Named {
  explicit Named(const std::string& address, const std::string& lines = {})
      : proxy(at(address, "main", lines), {{"ORDERS", upstream.port()}}), port(proxy.port()) {}

  Connection over_v4() const { return Connection::to(port); }
  Connection over_v6() const { return Connection::to("[::1]:" + std::to_string(port)); }
  std::string address(const std::string& host) const { return host + ":" + std::to_string(port); }

  ScriptedUpstream upstream;
  TestProxy proxy;
  const std::uint16_t port;
};

}  // namespace

TEST_CASE("a listener is on every address of its name" * needs_ipv6()) {
  Named named("loopbacks.test:0");
  CHECK(status_over(named.over_v4()) == 200);
  CHECK(status_over(named.over_v6()) == 200);
  named.proxy.drain();
  CHECK(named.proxy.wait() == 0);
  CHECK_THROWS_AS(named.over_v4(), std::system_error);
  CHECK_THROWS_AS(named.over_v6(), std::system_error);
}

TEST_CASE("a listener's limits are one set over all addresses of its name" * needs_ipv6()) {
  Named named("loopbacks.test:0", "    limits: {max_connections: 1}\n");
  named.upstream.script(scripts::hang());
  Connection busy = named.over_v4();
  busy.send(kGet);
  REQUIRE(eventually([&] { return named.upstream.request_count() == 1; }));
  CHECK(status_over(named.over_v6()) == 503);
}

TEST_CASE("a reload keeps, renames and narrows a listener on all addresses of its name" * needs_ipv6()) {
  Named named("loopbacks.test:0");
  const auto reload = [&](const std::string& host, const std::string& name) {
    return named.proxy.reload(at(named.address(host), name)).status;
  };
  Connection kept = named.over_v6();
  REQUIRE(named.proxy.reload(at("loopbacks.test:0", "main", "    limits: {max_connections: 9}\n")).status == 200);
  CHECK(status_over(std::move(kept)) == 200);
  CHECK(named.proxy.port() == named.port);

  REQUIRE(reload("127.0.0.1", "main") == 200);  // the same port, beside the socket that goes
  CHECK(status_over(named.over_v4()) == 200);
  CHECK_THROWS_AS(named.over_v6(), std::system_error);

  REQUIRE(reload("loopbacks.test", "main") == 200);
  REQUIRE(reload("loopbacks.test", "renamed") == 200);
  CHECK(status_over(named.over_v4()) == 200);
  CHECK(status_over(named.over_v6()) == 200);
}

TEST_CASE("an address of a name that this host does not have is passed over, unless it is the only one") {
  Named named("partly.test:0");
  CHECK(status_over(named.over_v4()) == 200);
  CHECK_THROWS_WITH(Named("192.0.2.1:0"),
                    "listener main: cannot listen on 192.0.2.1:0: Cannot assign requested address");
}
