// SPDX-License-Identifier: Apache-2.0
// Which requests may switch protocols, what the upstream may answer, and that nothing else makes a tunnel.
#include <string>

#include "tests/support/tunnels.hpp"

using namespace fusewire::testing;

namespace {

std::string set_upgrades(const std::string& list) { return "listeners.0.routes.0.upgrades=" + list; }

// The request as the upstream got it, when the client sent these field lines with it.
Request forwarded(Rig& rig, const std::string& fields, const std::string& version = "1.1") {
  Connection client = rig.proxy.connect();
  client.send("GET / HTTP/" + version + "\r\nHost: h\r\n" + fields + "\r\n");
  read_response(client);
  return rig.upstream.requests().back();
}

void check_plain(const Request& request) {
  CAPTURE(request.head);
  CHECK_FALSE(request.has("Upgrade"));
  CHECK_FALSE(request.has("Connection"));
}

}  // namespace

TEST_CASE("a WebSocket handshake passes with its fields, and so does the agreement to it") {
  Rig rig(scripts::echo_tunnel());
  Connection client = rig.proxy.connect();
  client.send(handshake("/chat", "Sec-WebSocket-Protocol: a, b\r\nX-Request-Id: mine\r\n"));
  const Response reply = read_response(client);
  CHECK(reply.start_line == "HTTP/1.1 101 Switching Protocols");
  CHECK(reply.field("Upgrade") == "websocket");
  CHECK(reply.field("Connection") == "Upgrade");
  CHECK(reply.field("Sec-WebSocket-Accept") == "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=");
  CHECK(reply.field("X-Request-Id") == "mine");
  CHECK_FALSE(reply.has("Content-Length"));

  const Request request = rig.upstream.requests().front();
  CHECK(request.target == "/chat");
  CHECK(request.field("Upgrade") == "websocket");
  CHECK(request.field("Connection") == "Upgrade");
  CHECK(request.field("Sec-WebSocket-Key") == "dGhlIHNhbXBsZSBub25jZQ==");
  CHECK(request.field("Sec-WebSocket-Version") == "13");
  CHECK(request.field("Sec-WebSocket-Protocol") == "a, b");
  CHECK(request.has("Via"));
  CHECK(request.has("X-Forwarded-For"));
}

TEST_CASE("Upgrade passes only where the route allows it, and a request without it goes on as a plain one") {
  SUBCASE("not listed by default") {
    Rig rig;
    check_plain(forwarded(rig, "Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAA\r\n"));
    CHECK_FALSE(rig.upstream.requests().back().has("HTTP2-Settings"));
  }
  SUBCASE("none allowed") {
    Rig rig(scripts::ok(), "", "", {set_upgrades("[]")});
    check_plain(forwarded(rig, "Connection: Upgrade\r\nUpgrade: websocket\r\n"));
  }
  SUBCASE("another one allowed") {
    Rig rig(scripts::ok(), "", "", {set_upgrades("[x/1]")});
    check_plain(forwarded(rig, "Connection: Upgrade\r\nUpgrade: websocket\r\n"));
    CHECK(forwarded(rig, "Connection: upgrade\r\nUpgrade: X/1\r\n").field("Upgrade") == "X/1");
  }
  SUBCASE("`listen` allows WebSocket, too") {
    ScriptedUpstream upstream;
    TestProxy proxy("listen: 127.0.0.1:0\nupstreams: {orders: \"http://127.0.0.1:${ORDERS}\"}\n",
                    {{"ORDERS", upstream.port()}});
    proxy.get("/", "Connection: Upgrade\r\nUpgrade: websocket\r\n");
    CHECK(upstream.requests().back().field("Upgrade") == "websocket");
  }
}

TEST_CASE("of several protocols only those that the route allows are asked for") {
  Rig rig;
  const Request request = forwarded(
      rig, "Connection: upgrade, x-hop\r\nUpgrade: h2c, WebSocket\r\nUpgrade: foo/2 , websocket\r\nX-Hop: 1\r\n");
  CHECK(request.field("Upgrade") == "WebSocket, websocket");
  CHECK(request.field("Connection") == "Upgrade");
  CHECK_FALSE(request.has("X-Hop"));
}

TEST_CASE("an Upgrade that is not named by Connection, or comes in HTTP/1.0, is ignored") {
  Rig rig;
  check_plain(forwarded(rig, "Upgrade: websocket\r\n"));
  check_plain(forwarded(rig, "Connection: keep-alive\r\nUpgrade: websocket\r\n"));
  check_plain(forwarded(rig, "Connection: Upgrade\r\n"));
  check_plain(forwarded(rig, "Connection: Upgrade\r\nUpgrade: websocket\r\n", "1.0"));
}

TEST_CASE("a request with a body does not switch protocols") {
  Rig rig(scripts::echo());
  const std::string upgrade = "Connection: Upgrade\r\nUpgrade: websocket\r\n";
  CHECK(rig.proxy.request("POST", "/", upgrade, "body").body == "body");
  check_plain(rig.upstream.requests().back());

  Connection client = rig.proxy.connect();
  client.send("POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n" + upgrade + "\r\n" + chunked("body", 2));
  CHECK(read_response(client).body == "body");
  CHECK_FALSE(rig.upstream.requests().back().has("Upgrade"));

  CHECK(forwarded(rig, "Content-Length: 0\r\n" + upgrade).field("Upgrade") == "websocket");
}

TEST_CASE("a switch of protocols that was not asked for is answered 502, and its connection closed") {
  const std::string agreed = "HTTP/1.1 101 Switching Protocols\r\n";
  Rig rig(scripts::ok(), kNoBreaker);
  for (const std::string& raw : std::vector<std::string>{
           agreed + "Upgrade: h2c\r\nConnection: Upgrade\r\n\r\n",
           agreed + "Upgrade: websocket, h2c\r\nConnection: Upgrade\r\n\r\n",
           agreed + "Connection: Upgrade\r\n\r\n",
           agreed + "Upgrade:\r\nConnection: Upgrade\r\n\r\n",
           agreed + "Upgrade: websocket\r\n\r\n",
           "HTTP/1.0 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n",
       }) {
    CAPTURE(raw);
    rig.upstream.script(scripts::reply(raw + "bytes"));
    Connection client = rig.proxy.connect();
    client.send(handshake());
    check_problem(read_response(client), 502, "UpstreamProtocolError", "http_protocol_error");
    CHECK(eventually([&] { return rig.upstream.open_connections() == 0; }));
  }
  rig.upstream.script(scripts::reply(std::string(kSwitch) + "bytes"));
  check_problem(rig.proxy.get("/"), 502, "UpstreamProtocolError", "http_protocol_error");
  check_problem(rig.proxy.get("/", "Upgrade: websocket\r\n"), 502, "UpstreamProtocolError", "http_protocol_error");
}

TEST_CASE("a switch of protocols that was not asked for is a failure for the breaker") {
  Rig rig(scripts::reply(kSwitch));
  rig.proxy.get("/");
  CHECK(rig.proxy.breaker().totals.failure == 1);
}

TEST_CASE("an upgrade that the upstream refuses leaves an ordinary connection: what follows is the next request") {
  for (const int status : {200, 400, 403, 426, 503}) {
    CAPTURE(status);
    Rig rig(scripts::in_turn({scripts::status(status, "no"), scripts::ok("next")}), kNoBreaker);
    Connection client = rig.proxy.connect();
    client.send(handshake("/ws", "Sec-WebSocket-Version: 777\r\n") + "GET /admin HTTP/1.1\r\nHost: h\r\n\r\n");
    const Response refused = read_response(client);
    CHECK(refused.status == status);
    CHECK(refused.body == "no");
    CHECK(read_response(client).body == "next");
    REQUIRE(rig.upstream.request_count() == 2);
    CHECK(rig.upstream.requests()[1].target == "/admin");
    CHECK(rig.upstream.requests()[1].has("Via"));  // it was read as a request, not passed on as bytes
  }
}

TEST_CASE("bytes of another protocol behind a refused upgrade never reach the upstream") {
  Rig rig(scripts::status(426, "no"));
  Connection client = rig.proxy.connect();
  client.send(handshake() + "\x81\x85 frame");
  CHECK(read_response(client).status == 426);
  check_problem(read_response(client), 400, "BadRequest");
  CHECK(client.ended());
  CHECK(rig.upstream.request_count() == 1);
}

TEST_CASE("a 426 tells the client which of the allowed protocols is wanted") {
  Rig rig(scripts::reply(response(426, "no", "Upgrade: h2c, websocket\r\nConnection: Upgrade\r\n")));
  Connection client = rig.proxy.connect();
  client.send(handshake());
  const Response reply = read_response(client);
  CHECK(reply.field("Upgrade") == "websocket");
  CHECK(reply.field("Connection") == "Upgrade");
  CHECK_FALSE(rig.proxy.get("/").has("Upgrade"));  // a request that did not ask
}

TEST_CASE("interim responses before the switch are relayed") {
  Rig rig([](Call& call) { call.send("HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n" + std::string(kSwitch)); });
  Connection client = rig.proxy.connect();
  client.send(handshake());
  const Response reply = read_response(client);
  CHECK(reply.status == 101);
  REQUIRE(reply.interim.size() == 1);
  CHECK(reply.interim[0].field("Link") == "</a>");
}

TEST_CASE("an upgrade meets an open breaker like any request, and another upstream may stand in") {
  ScriptedUpstream replica(scripts::echo_tunnel());
  ScriptedUpstream upstream;
  upstream.kill();
  const std::string chain = "    fallback: {chain: [{upstream: replica}]}\n";
  TestProxy proxy(orders(chain) + "  replica: http://127.0.0.1:${REPLICA}\n",
                  {{"ORDERS", upstream.port()}, {"REPLICA", replica.port()}});
  Connection client = open_tunnel(proxy);
  client.send("hello");
  CHECK(client.take(5) == "hello");

  Rig rig(scripts::echo_tunnel());
  REQUIRE(rig.proxy.admin_change("/admin/circuit-breakers/orders/force-open").status == 200);
  Connection refused = rig.proxy.connect();
  refused.send(handshake());
  check_problem(read_response(refused), 503, "CircuitBreakerOpen", "destination_unavailable");
}

TEST_CASE("an upgrade on a kept connection that turns out closed is sent once more") {
  Rig rig(scripts::in_turn({scripts::ok(), scripts::cut(), scripts::echo_tunnel()}), "", "", {"runtime.workers=1"});
  CHECK(rig.proxy.get("/").status == 200);
  Connection client = open_tunnel(rig.proxy);
  client.send("hello");
  CHECK(client.take(5) == "hello");
  CHECK(rig.upstream.request_count() == 3);
}
