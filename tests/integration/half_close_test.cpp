// SPDX-License-Identifier: Apache-2.0
// client_half_close: answer: a client's FIN ends its requests, and what is pending is answered.
#include <atomic>
#include <ctime>
#include <string>

#include "tests/support/rig.hpp"
#include "tests/support/tls_rig.hpp"

using namespace fusewire::testing;

namespace {

constexpr const char* kAnswer = "    client_half_close: answer\n";

std::string get(const std::string& target) { return "GET " + target + " HTTP/1.1\r\nHost: h\r\n\r\n"; }

}  // namespace

TEST_CASE("a client that has shut its sending side gets the answers to all that it has asked, then the end") {
  Rig rig(
      [](Call& call) {
        if (call.wait(100ms)) call.send(response(200, call.request().target));
      },
      kNoBreaker, kAnswer);
  Connection client = rig.proxy.connect();
  client.send(get("/a") + get("/b") + get("/c"));
  client.shut_down_writing();
  for (const char* target : {"/a", "/b", "/c"}) {
    const Response reply = read_response(client);
    CHECK(reply.status == 200);
    CHECK(reply.body == target);
    CHECK((reply.field("Connection") == "close") == (reply.body == "/c"));
  }
  CHECK(client.take_all() == "");
  CHECK(client.end() == End::eof);
}

TEST_CASE("a half-closed client's body arrives whole, however slowly the upstream takes it") {
  const std::string body = pattern(4 * 1024 * 1024);
  for (const bool whole : {true, false}) {
    CAPTURE(whole);
    std::atomic<bool> same{false};
    Rig rig(
        [&](Call& call) {
          call.wait(200ms);
          same = call.read_body().body == body;
          call.send(response(200, "taken"));
        },
        kNoBreaker, kAnswer);
    Connection client = rig.proxy.connect();
    client.send("POST / HTTP/1.1\r\nHost: h\r\nContent-Length: " + std::to_string(body.size()) + "\r\n\r\n");
    client.send(std::string_view(body).substr(0, whole ? body.size() : body.size() - 1));
    client.shut_down_writing();
    if (whole) {
      CHECK(read_response(client).body == "taken");
    } else {
      CHECK(client.take_all() == "");
    }
    CHECK(eventually([&] { return rig.proxy.metric("fusewire_connections") == 0; }));
    CHECK(same == whole);
  }
}

TEST_CASE("a request that is incomplete at its client's FIN is none") {
  Rig rig(scripts::ok(), kNoBreaker, kAnswer);
  Connection client = rig.proxy.connect();
  client.send(get("/a") + "GET /b HTTP/1.1\r\nHos");
  client.shut_down_writing();
  CHECK(read_response(client).status == 200);
  CHECK(client.take_all() == "");
  CHECK(rig.upstream.request_count() == 1);
}

TEST_CASE("a half-closed client that breaks its connection is gone at once") {
  Rig rig(scripts::hang(), {}, kAnswer);
  Connection client = rig.proxy.connect();
  client.send(get("/"));
  client.shut_down_writing();
  REQUIRE(eventually([&] { return rig.upstream.request_count() == 1; }));
  CHECK(rig.proxy.breaker().totals.neutral == 0);
  client.reset();
  CHECK(eventually([&] { return rig.proxy.breaker().totals.neutral == 1; }));
  CHECK(eventually([&] { return rig.upstream.open_connections() == 0; }));
}

TEST_CASE("a half-closed connection costs no CPU time while its answer is pending") {
  Rig rig(
      [&](Call& call) {
        call.wait(600ms);
        call.send(response(200, "late"));
      },
      kNoBreaker, kAnswer);
  Connection client = rig.proxy.connect();
  client.send(get("/"));
  client.shut_down_writing();
  REQUIRE(eventually([&] { return rig.upstream.request_count() == 1; }));
  const std::clock_t before = std::clock();
  CHECK(read_response(client).body == "late");
  CHECK(static_cast<double>(std::clock() - before) / CLOCKS_PER_SEC < 0.3);
}

TEST_CASE("over TLS it is close_notify that ends the requests; a FIN alone breaks the connection") {
  TlsListenerRig tls(scripts::delayed(200ms, scripts::ok()), {}, kAnswer);
  for (const bool notified : {true, false}) {
    CAPTURE(notified);
    Connection client = tls.secured(tls.client);
    client.send(get("/"));
    if (notified) client.tls().close_notify();
    client.shut_down_writing();
    const Response reply = read_response(client);
    CHECK(reply.status == (notified ? 200 : 0));
  }
}
