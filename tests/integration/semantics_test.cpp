// SPDX-License-Identifier: Apache-2.0
// Messages without a body, interim responses, Expect: 100-continue.
#include <string>

#include "tests/support/rig.hpp"

using namespace fusewire::testing;

TEST_CASE("responses to HEAD, 204 and 304 have no body and the connection goes on") {
  Rig rig;
  Connection client = rig.proxy.connect();

  rig.upstream.script(scripts::reply("HTTP/1.1 200 OK\r\nContent-Length: 1000\r\nX-A: b\r\n\r\n"));
  client.send("HEAD / HTTP/1.1\r\nHost: h\r\n\r\n");
  const Response head = read_response(client, "HEAD");
  CHECK(head.status == 200);
  CHECK(head.field("Content-Length") == "1000");

  rig.upstream.script(scripts::reply("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"));
  client.send("HEAD / HTTP/1.1\r\nHost: h\r\n\r\n");
  CHECK(read_response(client, "HEAD").status == 200);

  rig.upstream.script(scripts::reply("HTTP/1.1 204 No Content\r\nX-A: b\r\n\r\n"));
  client.send("DELETE / HTTP/1.1\r\nHost: h\r\n\r\n");
  const Response none = read_response(client, "DELETE");
  CHECK(none.status == 204);
  CHECK_FALSE(none.has("Transfer-Encoding"));
  CHECK_FALSE(none.has("Content-Length"));

  rig.upstream.script(scripts::reply("HTTP/1.1 304 Not Modified\r\nContent-Length: 1000\r\nETag: \"x\"\r\n\r\n"));
  client.send("GET / HTTP/1.1\r\nHost: h\r\n\r\n");
  const Response unmodified = read_response(client);
  CHECK(unmodified.status == 304);
  CHECK(unmodified.field("ETag") == "\"x\"");

  rig.upstream.script(scripts::ok("real body"));
  client.send("GET / HTTP/1.1\r\nHost: h\r\n\r\n");
  CHECK(read_response(client).body == "real body");
  CHECK(rig.upstream.connection_count() == 1);
}

TEST_CASE("every interim response is relayed to an HTTP/1.1 client") {
  Rig rig(
      scripts::reply("HTTP/1.1 103 Early Hints\r\nLink: </a.css>\r\n\r\nHTTP/1.1 102 Processing\r\n\r\n"
                     "HTTP/1.1 103 Early Hints\r\nLink: </b.css>\r\n\r\n" +
                     response(200, "done")));
  const Response reply = rig.proxy.get("/");
  CHECK(reply.status == 200);
  CHECK(reply.body == "done");
  REQUIRE(reply.interim.size() == 3);
  CHECK(reply.interim[0].status == 103);
  CHECK(reply.interim[0].field("Link") == "</a.css>");
  CHECK(reply.interim[1].status == 102);
  CHECK(reply.interim[2].field("Link") == "</b.css>");
}

TEST_CASE("interim responses without end are a protocol error") {
  std::string hints;
  for (int i = 0; i < 100; ++i) hints += "HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n";
  Rig rig(scripts::reply(hints + response(200, "done")));
  check_problem(rig.proxy.get("/"), 502, "UpstreamProtocolError", "http_protocol_error");
}

TEST_CASE("an interim response is relayed while the final one is still to come") {
  std::atomic<bool> hinted{false};
  Rig rig([&](Call& call) {
    call.send("HTTP/1.1 103 Early Hints\r\n\r\n");
    eventually([&] { return hinted.load() || call.stopping(); });
    call.send(response(200, "done"));
  });
  Connection client = rig.proxy.connect();
  client.send("GET / HTTP/1.1\r\nHost: h\r\n\r\n");
  const auto hint = client.take_until("\r\n\r\n");
  REQUIRE(hint.has_value());
  CHECK(hint->rfind("HTTP/1.1 103", 0) == 0);
  hinted = true;
  CHECK(read_response(client).status == 200);
}

TEST_CASE("an HTTP/1.0 client gets no interim response") {
  Rig rig(scripts::reply("HTTP/1.1 103 Early Hints\r\n\r\n" + response(200, "done")));
  Connection client = rig.proxy.connect();
  client.send("GET / HTTP/1.0\r\n\r\n");
  const Response reply = read_response(client);
  CHECK(reply.interim.empty());
  CHECK(reply.status == 200);
  CHECK(reply.body == "done");
}

TEST_CASE("Expect: 100-continue is forwarded and the upstream's 100 comes back before the body is sent") {
  Rig rig([](Call& call) {
    call.send("HTTP/1.1 100 Continue\r\n\r\n");
    call.read_body();
    call.send(response(200, "got it"));
  });
  Connection client = rig.proxy.connect();
  client.send("POST / HTTP/1.1\r\nHost: h\r\nExpect: 100-continue\r\nContent-Length: 5\r\n\r\n");
  const auto interim = client.take_until("\r\n\r\n");
  REQUIRE(interim.has_value());
  CHECK(interim->rfind("HTTP/1.1 100", 0) == 0);
  CHECK_FALSE(rig.upstream.requests().front().complete);
  client.send("hello");
  CHECK(read_response(client).body == "got it");
  CHECK(rig.upstream.requests().front().field("Expect") == "100-continue");
  CHECK(rig.upstream.requests().front().body == "hello");
}

TEST_CASE("a final status instead of the 100 reaches the client before its body, which is not waited for") {
  Rig rig(scripts::early(response(401, "who are you?")));
  Connection client = rig.proxy.connect();
  client.send("POST / HTTP/1.1\r\nHost: h\r\nExpect: 100-continue\r\nContent-Length: 5000\r\n\r\n");
  const Response reply = read_response(client);
  CHECK(reply.interim.empty());
  CHECK(reply.status == 401);
  CHECK(reply.complete);
  CHECK(client.ended());
  CHECK(rig.proxy.breaker().totals.failure == 0);
}

TEST_CASE("a request that expects 100-continue and is answered here gets the final status at once, without a 100") {
  Rig rig(scripts::ok(), "", "    limits: {max_body: 1MB}\n");
  const auto ask = [&](const char* length) {
    Connection client = rig.proxy.connect();
    client.send(std::string("POST / HTTP/1.1\r\nHost: h\r\nExpect: 100-continue\r\nContent-Length: ") + length +
                "\r\n\r\n");
    Response reply = read_response(client);
    CHECK(reply.interim.empty());
    CHECK(reply.field("Connection") == "close");  // whether the body comes is not known
    return reply;
  };
  check_problem(ask("5000000"), 413, "BodyTooLarge");
  REQUIRE(rig.proxy.admin_change("/admin/circuit-breakers/orders/force-open").status == 200);
  check_problem(ask("10"), 503, "CircuitBreakerOpen", "destination_unavailable");
  CHECK(rig.upstream.request_count() == 0);
}

TEST_CASE("an HTTP/1.0 client gets no trailers, and an HTTP/1.0 connection is kept when it asks for that") {
  Rig rig(scripts::reply("HTTP/1.1 200 OK\r\nTrailer: X-Sum\r\nTransfer-Encoding: chunked\r\n\r\n" +
                         chunked("hello", 2, "X-Sum: abc\r\n")));
  Connection client = rig.proxy.connect();
  client.send("GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n");
  const Response unframed = read_response(client);  // its end is the connection's, whatever the client wishes
  CHECK(unframed.body == "hello");
  CHECK(unframed.complete);
  CHECK_FALSE(unframed.has("Trailer"));
  CHECK(unframed.field("Connection") == "close");

  rig.upstream.script(scripts::ok("framed"));
  Connection kept = rig.proxy.connect();
  for (int i = 0; i < 3; ++i) {
    kept.send("GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n");
    const Response reply = read_response(kept);
    CHECK(reply.body == "framed");
    CHECK(reply.field("Connection") == "keep-alive");
  }
  kept.send("GET / HTTP/1.0\r\n\r\n");
  CHECK(read_response(kept).field("Connection") == "close");
  CHECK(kept.take_all() == "");
  CHECK(kept.end() == End::eof);
}

TEST_CASE("an upstream that switches protocols without being asked is answered 502") {
  Rig rig(scripts::reply("HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\nConnection: upgrade\r\n\r\nbytes"));
  check_problem(rig.proxy.get("/"), 502, "UpstreamProtocolError", "http_protocol_error");
}
