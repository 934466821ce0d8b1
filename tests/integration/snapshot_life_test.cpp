// SPDX-License-Identifier: Apache-2.0
// How long an old configuration is kept, and what is left undone while descriptors are few.
#include <sys/resource.h>

#include <memory>
#include <string>

#include "config/load.hpp"
#include "proxy/server/server.hpp"
#include "proxy/snapshot/snapshot.hpp"
#include "tests/support/running.hpp"
#include "tests/support/tunnels.hpp"

using namespace fusewire::testing;
namespace proxy = fusewire::proxy;
namespace config = fusewire::config;

namespace {

config::Config configured(std::uint16_t upstream, int response_seconds) {
  auto loaded = config::load({.name = "test.yaml",
                              .text = "listen: 127.0.0.1:0\nadmin: {address: \"127.0.0.1:0\"}\n"
                                      "log: {level: off, access: off}\nruntime: {workers: 2}\nupstreams:\n  orders:\n"
                                      "    endpoints: [\"http://127.0.0.1:" +
                                      std::to_string(upstream) +
                                      "\"]\n    timeouts: {response: " + std::to_string(response_seconds) + "s}\n",
                              .environment = {},
                              .set = {}});
  REQUIRE(loaded.config.has_value());
  return *loaded.config;
}

}  // namespace

TEST_CASE("neither a tunnel nor an idle connection keeps an old configuration alive") {
  ScriptedUpstream upstream(scripts::ok());
  proxy::Server server(configured(upstream.port(), 10), {});
  std::weak_ptr<const proxy::Snapshot> first;
  server.on_control([&](proxy::Control& control) { first = control.snapshot(); });

  Connection idle = Connection::to(server.port("main"));
  idle.send("GET / HTTP/1.1\r\nHost: h\r\n\r\n");
  REQUIRE(read_response(idle).status == 200);
  Connection silent = Connection::to(server.port("main"));
  upstream.script(scripts::echo_tunnel());
  Connection tunnel = Connection::to(server.port("main"));
  tunnel.send(handshake());
  REQUIRE(read_response(tunnel).status == 101);
  tunnel.send("ping");
  REQUIRE(tunnel.take(4) == "ping");

  server.on_control(
      [&](proxy::Control& control) { CHECK(control.apply(configured(upstream.port(), 11), "test").successful); });
  CHECK(eventually([&] { return first.expired(); }, 10s));
  tunnel.send("pong");
  CHECK(tunnel.take(4) == "pong");
  upstream.script(scripts::ok());
  idle.send("GET / HTTP/1.1\r\nHost: h\r\n\r\n");
  CHECK(read_response(idle).status == 200);
  tunnel.close();
}

TEST_CASE("process: nothing is asked for anew behind clients' backs while descriptors are few") {
  ScriptedUpstream upstream(scripts::reply(
      response(200, "x", "Cache-Control: max-age=60, stale-while-revalidate=300\r\nAge: 100\r\nETag: \"v1\"\r\n")));
  Running running(upstream.port(), "    cache: {serve: normal}\nruntime: {workers: 1}\nlog: {access: off}\n");
  REQUIRE(running.get() == 200);
  REQUIRE(upstream.request_count() == 1);
  const std::size_t used = running.process.descriptors();
  rlimit many{};
  REQUIRE(::prlimit(running.process.pid(), RLIMIT_NOFILE, nullptr, &many) == 0);
  const rlimit few{used + 14, many.rlim_max};
  REQUIRE(::prlimit(running.process.pid(), RLIMIT_NOFILE, &few, nullptr) == 0);
  Connection client = running.connect();
  for (int i = 0; i < 5; ++i) {
    client.send("GET / HTTP/1.1\r\nHost: localhost\r\n\r\n");
    CHECK(read_response(client).status == 200);
  }
  CHECK_FALSE(eventually([&] { return upstream.request_count() > 1; }, 300ms));
  REQUIRE(::prlimit(running.process.pid(), RLIMIT_NOFILE, &many, nullptr) == 0);
  client.send("GET / HTTP/1.1\r\nHost: localhost\r\n\r\n");
  CHECK(read_response(client).status == 200);
  CHECK(eventually([&] { return upstream.request_count() > 1; }));
}
