// SPDX-License-Identifier: Apache-2.0
// The tools themselves: a test that judges the proxy by them must be able to tell these things apart.
#include <doctest/doctest.h>

#include <string>

#include "proxy/net/resolver.hpp"
#include "tests/support/scripted_upstream.hpp"

using namespace fusewire;
using namespace fusewire::testing;

namespace {

Response ask(const ScriptedUpstream& upstream, const std::string& request = "GET / HTTP/1.1\r\nHost: h\r\n\r\n") {
  Connection client = Connection::to(upstream.port());
  client.send(request);
  return read_response(client);
}

bool refused(const ScriptedUpstream& upstream) {
  try {
    Connection::to(upstream.port());
    return false;
  } catch (const std::system_error&) {
    return true;
  }
}

}  // namespace

TEST_CASE("support: complete, cut and reset responses are three things") {
  ScriptedUpstream upstream;
  CHECK(ask(upstream).complete);
  upstream.script(scripts::cut("HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhello"));
  const Response cut = ask(upstream);
  CHECK_FALSE(cut.complete);
  CHECK(cut.body == "hello");
  CHECK(cut.end == End::eof);
  upstream.script(scripts::reset("HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhello"));
  const Response reset = ask(upstream);
  CHECK_FALSE(reset.complete);
  CHECK(reset.body == "hello");
  CHECK(reset.end == End::reset);
}

TEST_CASE("support: chunked bodies and trailers are read strictly") {
  ScriptedUpstream upstream(
      scripts::reply("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n" + chunked("hello", 2, "A: b\r\n")));
  const Response reply = ask(upstream);
  CHECK(reply.complete);
  CHECK(reply.body == "hello");
  CHECK(reply.trailers == FieldList{{"A", "b"}});
  upstream.script(scripts::cut("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n"));
  CHECK_FALSE(ask(upstream).complete);
}

TEST_CASE("support: a killed upstream refuses and resets, a started one serves on the same port") {
  ScriptedUpstream upstream;
  Connection kept = Connection::to(upstream.port());
  kept.send("GET / HTTP/1.1\r\nHost: h\r\n\r\n");
  CHECK(read_response(kept).status == 200);
  upstream.kill();
  CHECK(refused(upstream));
  CHECK(kept.ended());
  CHECK(kept.end() == End::reset);
  upstream.start();
  CHECK(ask(upstream).status == 200);
  CHECK(upstream.request_count() == 2);
}

TEST_CASE("support: a hanging script ends with its client, and everything received is recorded") {
  ScriptedUpstream upstream(scripts::hang());
  {
    Connection client = Connection::to(upstream.port());
    client.send("POST /x HTTP/1.1\r\nA: b\r\nContent-Length: 10\r\n\r\nhello");
    REQUIRE(eventually([&] { return upstream.request_count() == 1; }));
  }
  CHECK(eventually([&] { return upstream.open_connections() == 0; }));
  const Request request = upstream.requests().front();
  CHECK(request.method == "POST");
  CHECK(request.target == "/x");
  CHECK(request.names() == "A,Content-Length");
  CHECK(request.body == "hello");
  CHECK_FALSE(request.complete);
}

TEST_CASE("support: localhost is 127.0.0.1 alone, whatever the machine's hosts file says") {
  const proxy::Resolved found = proxy::resolve("localhost", 80);
  REQUIRE(found.addresses.size() == 1);
  CHECK(proxy::to_string(found.addresses.front()) == "127.0.0.1:80");
}
