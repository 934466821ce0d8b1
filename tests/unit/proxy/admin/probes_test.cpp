// SPDX-License-Identifier: Apache-2.0
// What the two addresses of the admin API take from whom: bodies, hosts, connections.
#include <doctest/doctest.h>

#include "tests/support/eventually.hpp"
#include "tests/unit/proxy/admin/wire.hpp"

using namespace fusewire;
using namespace fusewire::testing;
using proxy::admin::Interface;

TEST_CASE("the probes' address is asked by IP address, as kubelet does, or by a name that is allowed") {
  AdminRig rig(kTwoUpstreams, Interface::probes);
  const auto asked_as = [&](const std::string& host) {
    return rig.ask("GET /admin/ready HTTP/1.1\r\nHost: " + host + "\r\n\r\n");
  };
  CHECK(is(asked_as("10.244.1.7:9902"), 200));
  CHECK(is(asked_as("[fd00::7]:9902"), 200));
  CHECK(is(asked_as("ops.example:9902"), 200));
  CHECK(is(asked_as("fusewire:9902"), 421));
}

TEST_CASE("the probes' address takes no token and no change") {
  std::string yaml = kTwoUpstreams;
  yaml.replace(yaml.find("token: secret"), 13, "token: secret, read_requires_token: true");
  AdminRig rig(yaml, Interface::probes);
  CHECK(is(rig.ask(get("/admin/ready")), 200));
  CHECK(is(rig.ask(get("/metrics")), 200));
  CHECK(is(rig.ask(get("/admin/config")), 404));
  CHECK(is(rig.ask("POST /admin/drain HTTP/1.1\r\n" + kHost + kToken + "Content-Length: 0\r\n\r\n"), 404));
  AdminRig guarded(yaml);
  CHECK(is(guarded.ask(get("/admin/ready")), 401));
}

TEST_CASE("the probes' port reads no body, and no head over 8 KiB") {
  AdminRig rig(kTwoUpstreams, Interface::probes);
  for (const std::string framing : {"Content-Length: 1000000\r\n", "Transfer-Encoding: chunked\r\n"}) {
    RawClient client(rig.port);
    client.send("GET /admin/health HTTP/1.1\r\n" + kHost + framing + "\r\nx");
    const std::string refused = client.take_response();
    CHECK(is(refused, 413));
    CHECK(has(refused, "Connection: close\r\n"));
    CHECK(client.ended());
  }
  const auto with_head_of = [&](std::size_t size) {
    return rig.ask("GET /admin/health HTTP/1.1\r\n" + kHost + "X: " + std::string(size, 'x') + "\r\n\r\n");
  };
  CHECK(is(with_head_of(8000), 200));
  CHECK(is(with_head_of(8192), 431));
  CHECK(has(with_head_of(100000), "over 8 KiB"));
  CHECK(is(rig.ask("GET /admin/health HTTP/1.1\r\n" + kHost + "Content-Length: 0\r\n\r\n"), 200));
}

TEST_CASE("the admin reads no body of a call that takes none, no matter who asks") {
  AdminRig rig;
  const std::string body = "Content-Length: 1000000\r\n\r\n";
  CHECK(is(rig.ask("GET /admin/health HTTP/1.1\r\n" + kHost + body), 413));
  CHECK(is(rig.ask("POST /admin/circuit-breakers/orders/force-open HTTP/1.1\r\n" + kHost + kToken + body), 400));
  CHECK(is(rig.ask("POST /admin/drain HTTP/1.1\r\n" + kHost + body), 401));
  CHECK(rig.drains == 0);
}

TEST_CASE("the probes' port keeps 128 connections, and the one that has waited longest gives way") {
  AdminRig rig(kTwoUpstreams, Interface::probes);
  std::vector<std::unique_ptr<RawClient>> slow;
  for (int i = 0; i < 128; ++i) {
    slow.push_back(std::make_unique<RawClient>(rig.port));
    slow.back()->send("GET /admin/health HTT");
  }
  CHECK(eventually([&] { return is(rig.ask(get("/admin/health")), 200); }));
  CHECK(slow.front()->ended());
}

TEST_CASE("a load balancer's check in HTTP/1.0 without Host is answered, and goes by the status") {
  for (const Interface interface : {Interface::admin, Interface::probes}) {
    AdminRig rig(kTwoUpstreams, interface);
    const auto asked = [&](const std::string& line) { return rig.ask(line + " HTTP/1.0\r\n\r\n"); };
    for (const char* line : {"GET /admin/ready", "HEAD /admin/health", "GET /metrics", "OPTIONS /", "OPTIONS *",
                             "OPTIONS /admin/ready", "OPTIONS /admin/health"})
      CHECK_MESSAGE(is(asked(line), 200), line);
    CHECK(has(asked("OPTIONS /admin/ready"), "Allow: GET, HEAD, OPTIONS\r\n"));
    CHECK(has(asked("GET /admin/ready"), "Connection: close\r\n"));
    CHECK(is(asked("GET /admin/nothing"), 404));
    CHECK(is(asked("GET http://evil.example/admin/ready"), 400));
    CHECK(is(rig.ask("GET /admin/ready HTTP/1.0\r\nHost: evil.example\r\n\r\n"), 421));
    CHECK(is(rig.ask("GET /admin/ready HTTP/1.1\r\n\r\n"), 400));
    CHECK(is(rig.ask("OPTIONS / HTTP/1.1\r\n\r\n"), 400));
    CHECK(is(rig.ask("POST /admin/drain HTTP/1.0\r\n" + kToken + "Content-Length: 0\r\n\r\n"), 400));
    rig.on_control([&] { rig.control.drain(); });
    for (const char* line : {"GET /admin/ready", "OPTIONS /admin/ready", "OPTIONS /"})
      CHECK_MESSAGE(is(asked(line), 503), line);
    CHECK(is(asked("OPTIONS /admin/health"), 200));
  }
}
