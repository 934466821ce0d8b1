// SPDX-License-Identifier: Apache-2.0
// Responses that come before the request is over: from the upstream, and from the proxy itself.
#include <string>

#include "tests/support/rig.hpp"

using namespace fusewire::testing;

TEST_CASE("an early response reaches the client while its upload is unfinished") {
  Rig rig([](Call& call) {
    call.send(response(413, "too much"));
    call.hang();
  });
  Connection client = rig.proxy.connect();
  client.send("POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 10000000\r\n\r\n" + std::string(1000, 'x'));
  const Response reply = read_response(client, "POST");
  CHECK(reply.status == 413);
  CHECK(reply.body == "too much");
  CHECK(reply.complete);
  CHECK(eventually([&] { return rig.upstream.open_connections() == 0; }));
}

TEST_CASE("a client that uploads through an early response can still read it") {
  Rig rig([](Call& call) {
    call.send(response(413, "too much"));
    call.hang();
  });
  Connection client = rig.proxy.connect();
  client.send("POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 200000\r\n\r\n" + std::string(200000, 'x'));
  CHECK(read_response(client, "POST").body == "too much");
}

TEST_CASE("a small upload that goes on behind an early response is drained, and the connection kept") {
  Rig rig(scripts::in_turn({[](Call& call) {
                              call.send(response(413, "too much"));
                              call.hang();
                            },
                            scripts::ok("next")}));
  Connection client = rig.proxy.connect();
  client.send("POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 2000\r\n\r\n" + std::string(1000, 'x'));
  CHECK(read_response(client, "POST").body == "too much");
  CHECK(eventually([&] { return rig.upstream.open_connections() == 0; }));  // the upload has ended there
  client.send(std::string(1000, 'x') + "GET / HTTP/1.1\r\nHost: h\r\n\r\n");
  CHECK(read_response(client).body == "next");
}

TEST_CASE("request and response bodies flow at the same time") {
  Rig rig([](Call& call) {
    call.send("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n");
    while (const auto size = call.connection().take_until("\r\n")) {
      const auto data = call.connection().take_until("\r\n");
      if (!data || !call.send(*size + *data)) return;
      if (*size == "0\r\n") break;
    }
    call.connection().close();
  });
  Connection client = rig.proxy.connect();
  client.send("POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n");
  const auto head = client.take_until("\r\n\r\n");
  REQUIRE(head.has_value());
  for (const std::string piece : {"ping", "pong", "over"}) {
    client.send("4\r\n" + piece + "\r\n");
    CHECK(client.take_until(piece + "\r\n").has_value());
  }
  client.send("0\r\n\r\n");
  CHECK(client.take_until("0\r\n\r\n").has_value());
}

TEST_CASE("an answer of the proxy drains a small body and keeps the connection") {
  Rig rig;
  REQUIRE(rig.proxy.admin_change("/admin/circuit-breakers/orders/force-open").status == 200);
  Connection client = rig.proxy.connect();
  for (int i = 0; i < 3; ++i) {
    client.send("POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 60000\r\n\r\n" + std::string(60000, 'x'));
    const Response reply = read_response(client, "POST");
    check_problem(reply, 503, "CircuitBreakerOpen", "destination_unavailable");
    CHECK(reply.field("Connection") != "close");
  }
  rig.proxy.admin_change("/admin/circuit-breakers/orders/release");
  client.send("GET / HTTP/1.1\r\nHost: h\r\n\r\n");
  CHECK(read_response(client).status == 200);
}

TEST_CASE("an answer of the proxy in the middle of a big upload can be read by the client") {
  Rig rig;
  REQUIRE(rig.proxy.admin_change("/admin/circuit-breakers/orders/force-open").status == 200);
  for (int i = 0; i < 5; ++i) {
    Connection client = rig.proxy.connect();
    client.send("POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 10000000\r\n\r\n" + std::string(200000, 'x'));
    const Response reply = read_response(client, "POST");
    check_problem(reply, 503, "CircuitBreakerOpen", "destination_unavailable");
    CHECK(reply.field("Connection") == "close");
    CHECK(client.ended());
  }
  CHECK(rig.upstream.request_count() == 0);
}

TEST_CASE("a client that uploads for ever after an answer of the proxy is let go") {
  Rig rig;
  REQUIRE(rig.proxy.admin_change("/admin/circuit-breakers/orders/force-open").status == 200);
  Connection client = rig.proxy.connect();
  client.send("POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 100000000000\r\n\r\n");
  const std::string piece(64 * 1024, 'x');
  std::size_t sent = 0;
  while (sent < 2000 * piece.size() && client.send(piece)) sent += piece.size();
  CHECK(sent < 2000 * piece.size());
  CHECK(client.ended());
}

TEST_CASE("a chunked upload that is answered here is drained or closed, never mistaken for a request") {
  Rig rig;
  REQUIRE(rig.proxy.admin_change("/admin/circuit-breakers/orders/force-open").status == 200);
  Connection client = rig.proxy.connect();
  client.send("POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n" +
              chunked("GET /smuggled HTTP/1.1\r\nHost: h\r\n\r\n", 100));
  check_problem(read_response(client, "POST"), 503, "CircuitBreakerOpen", "destination_unavailable");
  rig.proxy.admin_change("/admin/circuit-breakers/orders/release");
  client.send("GET /real HTTP/1.1\r\nHost: h\r\n\r\n");
  CHECK(read_response(client).status == 200);
  REQUIRE(rig.upstream.request_count() == 1);
  CHECK(rig.upstream.requests().front().target == "/real");
}
