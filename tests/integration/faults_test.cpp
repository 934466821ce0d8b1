// SPDX-License-Identifier: Apache-2.0
// Each way in which an upstream fails has its own answer, and is one failure for its breaker.
#include <string>

#include "tests/support/rig.hpp"

using namespace fusewire::testing;

namespace {

Response answer_to(Rig& rig, Script script) {
  rig.upstream.script(std::move(script));
  Response reply = rig.proxy.get("/");
  CHECK(rig.proxy.breaker().totals.failure == 1);
  CHECK(rig.proxy.breaker().totals.success == 0);
  return reply;
}

}  // namespace

TEST_CASE("an upstream whose port refuses is answered 502 ConnectFailed") {
  ReservedPort nobody;
  TestProxy proxy(orders(), {{"ORDERS", nobody.number()}});
  check_problem(proxy.get("/"), 502, "ConnectFailed", "connection_refused");
  CHECK(proxy.breaker().totals.failure == 1);
}

TEST_CASE("an upstream whose name does not resolve is answered 502 ConnectFailed") {
  TestProxy proxy(
      "listen: 127.0.0.1:0\nupstreams:\n  orders:\n    endpoints: [\"http://no-such-host.invalid:80\"]\n"
      "    timeouts: {connect: 10s}\n");
  check_problem(proxy.get("/"), 502, "ConnectFailed", "dns_error");
  CHECK(proxy.breaker().totals.failure == 1);
}

TEST_CASE("an upstream that closes or resets before its response's head is answered 502 UpstreamReset") {
  for (const Script& script : {scripts::cut(), scripts::reset(), scripts::cut("HTTP/1.1 200 OK\r\nContent-Le"),
                               scripts::reset("HTTP/1.1 200 OK\r\nContent-Le")}) {
    Rig rig;
    check_problem(answer_to(rig, script), 502, "UpstreamReset", "connection_terminated");
  }
}

TEST_CASE("an upstream that resets after an interim response is answered 502 UpstreamReset") {
  Rig rig;
  const Response reply = answer_to(rig, scripts::cut("HTTP/1.1 103 Early Hints\r\n\r\n"));
  CHECK(reply.interim.size() == 1);
  check_problem(reply, 502, "UpstreamReset", "connection_terminated");
}

TEST_CASE("an upstream that says nothing is answered 504 ResponseTimeout") {
  Rig rig(scripts::ok(), "    timeouts: {response: 200ms}\n");
  check_problem(answer_to(rig, scripts::hang()), 504, "ResponseTimeout", "http_response_timeout");
}

TEST_CASE("an upstream whose head comes a byte at a time is answered 504 when it takes too long") {
  Rig rig(scripts::ok(), "    timeouts: {response: 300ms}\n");
  const Response reply =
      answer_to(rig, scripts::drip(response(200, "", "X-Long: " + std::string(2000, 'x') + "\r\n"), 5ms));
  check_problem(reply, 504, "ResponseTimeout", "http_response_timeout");
}

TEST_CASE("an upstream that talks garbage is answered 502 UpstreamProtocolError") {
  Rig rig;
  check_problem(answer_to(rig, scripts::cut("220 mail.example ESMTP\r\n\r\n")), 502, "UpstreamProtocolError",
                "http_protocol_error");
}

TEST_CASE("a body that breaks off never ends properly for the client") {
  const std::string chunked_start = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n";
  const std::string counted_start = "HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nhello";
  for (const Script& script : {scripts::cut(chunked_start), scripts::reset(chunked_start), scripts::cut(counted_start),
                               scripts::reset(counted_start)}) {
    Rig rig;
    const Response reply = answer_to(rig, script);
    CHECK(reply.status == 200);
    CHECK(reply.body == "hello");
    CHECK_FALSE(reply.complete);
    CHECK(reply.end != End::open);
  }
}

TEST_CASE("a close-delimited body that is reset never ends properly for the client") {
  Rig rig;
  const Response reply = answer_to(rig, scripts::reset("HTTP/1.1 200 OK\r\n\r\nhello"));
  CHECK(reply.status == 200);
  CHECK_FALSE(reply.complete);
  CHECK(reply.end != End::open);
}

TEST_CASE("where only the end of the connection ends the body, a body that breaks off is reset") {
  for (const Script& script : {scripts::cut("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n"),
                               scripts::reset("HTTP/1.1 200 OK\r\n\r\nhello")}) {
    Rig rig(script);
    Connection client = rig.proxy.connect();
    client.send("GET / HTTP/1.0\r\n\r\n");
    const Response reply = read_response(client);
    CHECK(reply.status == 200);
    CHECK_FALSE(reply.complete);
    CHECK(reply.end == End::reset);
  }
}

TEST_CASE("an upstream that is killed in the middle of traffic gives each client an answer") {
  Rig rig(scripts::delayed(5ms, scripts::ok()), kNoBreaker);
  std::atomic<bool> over{false};
  std::atomic<int> served{0}, answered{0}, lost{0};
  std::vector<std::thread> clients;
  for (int i = 0; i < 8; ++i)
    clients.emplace_back([&] {
      while (!over) {
        const int status = rig.proxy.get("/").status;
        ++(status == 200 ? served : status == 502 ? answered : lost);
      }
    });
  const bool before = eventually([&] { return served > 20; });
  rig.upstream.kill();
  const bool during = eventually([&] { return answered > 20; });
  rig.upstream.start();
  const int then = served;
  const bool after = eventually([&] { return served > then + 20; });
  over = true;
  for (auto& client : clients) client.join();
  CHECK(before);
  CHECK(during);
  CHECK(after);
  CHECK(lost == 0);
}
