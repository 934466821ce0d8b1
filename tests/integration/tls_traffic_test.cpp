// SPDX-License-Identifier: Apache-2.0
// What flows over TLS: bodies, ends, cuts, keys that change underneath.
#include <atomic>
#include <string>

#include "tests/support/tls_rig.hpp"

using namespace fusewire::testing;

namespace {

constexpr std::size_t kLarge = 8 * 1024 * 1024;

std::string post(const std::string& body) {
  return "POST / HTTP/1.1\r\nHost: h\r\nContent-Length: " + std::to_string(body.size()) + "\r\n\r\n" + body;
}

}  // namespace

TEST_CASE("large bodies pass both ways over TLS at once, whole and in order") {
  TlsListenerRig tls(scripts::echo());
  const std::string body = pattern(kLarge);
  Connection client = tls.secured(tls.client);
  client.send(post(body));
  Response reply = read_response(client, "POST");
  CHECK(reply.complete);
  CHECK((reply.body == body));
  client.send("POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n" + chunked(body, 70000));
  reply = read_response(client, "POST");
  CHECK(reply.complete);
  CHECK((reply.body == body));
}

TEST_CASE("large bodies pass both ways to an upstream over TLS") {
  TlsUpstreamRig tls(scripts::echo());
  const std::string body = pattern(kLarge);
  const Response reply = tls.rig.proxy.request("POST", "/", {}, body);
  CHECK(reply.complete);
  CHECK((reply.body == body));
}

TEST_CASE("a body that trickles in over TLS arrives as it comes") {
  TlsListenerRig tls(scripts::drip(response(200, pattern(40)), 1ms));
  Connection client = tls.secured(tls.client);
  CHECK(ask(client).body == pattern(40));
}

TEST_CASE("pipelined requests in one record are answered in order") {
  TlsListenerRig tls(scripts::echo());
  Connection client = tls.secured(tls.client);
  client.send(post("one") + post("two") + post("three"));
  CHECK(read_response(client, "POST").body == "one");
  CHECK(read_response(client, "POST").body == "two");
  CHECK(read_response(client, "POST").body == "three");
}

TEST_CASE("keys change in the middle of a connection, and nobody notices") {
  TlsListenerRig tls(scripts::echo());
  Connection client = tls.secured(tls.client);
  for (int i = 0; i < 5; ++i) {
    client.tls().update_key();
    client.send(post(pattern(200000)));
    CHECK((read_response(client, "POST").body == pattern(200000)));
  }
}

TEST_CASE("keys change in the middle of an upstream's connection, and nobody notices") {
  TlsUpstreamRig tls([](Call& call) {
    call.read_body();
    call.connection().tls().update_key();
    call.send(response(200, pattern(200000)));
  });
  Connection client = tls.rig.proxy.connect();
  for (int i = 0; i < 5; ++i) CHECK((ask(client).body == pattern(200000)));
  CHECK(tls.rig.upstream.connection_count() == 1);
}

constexpr int kFlood = 2000;  // a peer that nobody cuts off sends so many

TEST_CASE("a client that only ever changes its keys is cut off") {
  TlsListenerRig tls(scripts::echo());
  Connection client = tls.secured(tls.client);
  int sent = 0;
  while (sent < kFlood && !client.ended(1ms)) {
    client.tls().update_key();
    client.send(sent == 0 ? "POST / HTTP/1.1\r\nHost: h\r\nX: " : "x");
    ++sent;
  }
  CHECK(sent > 32);
  CHECK(sent < kFlood);
  Connection other = tls.secured(tls.client);
  other.send(post("one"));
  CHECK(read_response(other, "POST").status == 200);
}

TEST_CASE("an upstream that only ever changes its keys is cut off") {
  std::atomic<int> sent{0};
  const Script script = [&](Call& call) {
    call.read_body();
    for (; sent < kFlood && !call.connection().ended(1ms); ++sent) {
      call.connection().tls().update_key();
      call.send(sent == 0 ? "HTTP/1.1 200 OK\r\nX: " : "x");
    }
  };
  TlsFiles files;
  TlsUpstreamRig::Pair rig(files.server(), script, "https://localhost", files.upstream() + kOneTry);
  check_problem(rig.proxy.get("/"), 502, "UpstreamReset", "tls_protocol_error");
  CHECK(eventually([&] { return sent > 32; }));
  CHECK(sent < kFlood);
}

TEST_CASE("keys may change as often as one likes where enough data goes with it") {
  TlsListenerRig tls(scripts::echo());
  Connection client = tls.secured(tls.client);
  for (int i = 0; i < 80; ++i) {
    client.tls().update_key();
    client.send(post(pattern(50000)));
    CHECK((read_response(client, "POST").body.size() == 50000));
  }
}

TEST_CASE("a connection ends with close_notify") {
  TlsListenerRig tls;
  Connection client = tls.secured(tls.client);
  CHECK(ask(client, "/", "Connection: close\r\n").status == 200);
  CHECK(client.ended());
  CHECK(client.end() == End::eof);
}

TEST_CASE("a body until the end of the connection is whole for the client only if it was for the proxy") {
  const std::string raw = "HTTP/1.1 200 OK\r\n\r\nuntil the end";
  TlsListenerRig good(scripts::cut(raw));
  Connection client = good.secured(good.client);
  client.send("GET / HTTP/1.0\r\n\r\n");
  CHECK(client.take_all().ends_with("until the end"));
  CHECK(client.end() == End::eof);

  TlsListenerRig bad(scripts::reset(raw));
  Connection cut = bad.secured(bad.client);
  cut.send("GET / HTTP/1.0\r\n\r\n");
  cut.take_all();
  CHECK(cut.end() == End::reset);
}

TEST_CASE("an upstream's body that ends without close_notify is cut off, and its client hears of it") {
  const std::string raw = "HTTP/1.1 200 OK\r\n\r\nuntil the end";
  TlsUpstreamRig cut([raw](Call& call) {
    call.send(raw);
    call.connection().cut();
  });
  Connection client = cut.rig.proxy.connect();
  client.send("GET / HTTP/1.0\r\n\r\n");
  client.take_all();
  CHECK(client.end() == End::reset);

  TlsUpstreamRig whole(scripts::cut(raw));
  Connection other = whole.rig.proxy.connect();
  other.send("GET / HTTP/1.0\r\n\r\n");
  CHECK(other.take_all().ends_with("until the end"));
  CHECK(other.end() == End::eof);
}

TEST_CASE("a request whose client is cut off is not taken for whole") {
  TlsListenerRig tls([](Call& call) {
    call.read_body();
    call.send(response(200, "whole"));
  });
  Connection client = tls.secured(tls.client);
  client.send("POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n");
  CHECK(eventually([&] { return tls.rig.upstream.request_count() == 1; }));
  client.cut();
  CHECK(eventually([&] { return tls.rig.upstream.open_connections() == 0; }));
  CHECK_FALSE(tls.rig.upstream.requests().at(0).complete);
}

TEST_CASE("a client that goes away while its response is pending ends the upstream's exchange") {
  TlsListenerRig tls(scripts::hang());
  {
    Connection client = tls.secured(tls.client);
    client.send("GET / HTTP/1.1\r\nHost: h\r\n\r\n");
    CHECK(eventually([&] { return tls.rig.upstream.request_count() == 1; }));
  }
  CHECK(eventually([&] { return tls.rig.upstream.open_connections() == 0; }));
}

TEST_CASE("a client that takes nothing of its response is cut off after send_timeout") {
  TlsListenerRig tls(scripts::ok(std::string(kLarge * 4, 'x')), {}, "    limits: {send_timeout: 300ms}\n");
  Connection client = tls.secured(tls.client);
  client.send("GET / HTTP/1.1\r\nHost: h\r\n\r\n");
  CHECK(eventually([&] { return tls.rig.proxy.metric("fusewire_connections") == 0; }));
}

TEST_CASE("a client that takes little of its response at a time is not cut off") {
  TlsListenerRig tls(scripts::ok(std::string(kLarge * 4, 'x')), {}, "    limits: {send_timeout: 100ms}\n");
  Connection client = tls.secured(tls.client);
  client.send("GET / HTTP/1.1\r\nHost: h\r\n\r\n");
  std::size_t taken = 0;
  CHECK(eventually([&] { return (taken += client.take(64 * 1024).size()) >= kLarge * 4; }));
}

TEST_CASE("an early response reaches a client over TLS that uploads on") {
  TlsListenerRig tls(scripts::early(response(413, "too much")));
  Connection client = tls.secured(tls.client);
  client.send("POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 200000\r\n\r\n" + std::string(200000, 'x'));
  CHECK(read_response(client, "POST").body == "too much");
}

TEST_CASE("idle connections end with close_notify when the proxy drains") {
  TlsListenerRig tls;
  Connection client = tls.secured(tls.client);
  CHECK(ask(client).status == 200);
  tls.rig.proxy.drain();
  CHECK(client.ended());
  CHECK(client.end() == End::eof);
}
