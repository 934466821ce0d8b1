// SPDX-License-Identifier: Apache-2.0
// Upstreams over TLS: which identity they must prove, what is sent to them, and what becomes of their connections.
#include <unistd.h>

#include <atomic>
#include <boost/json/value_to.hpp>
#include <string>

#include "tests/support/real_nginx.hpp"
#include "tests/support/tls_rig.hpp"

using namespace fusewire::testing;

namespace {

std::string detail_of(const boost::json::object& problem) {
  return boost::json::value_to<std::string>(problem.at("detail"));
}

// Answers with the SNI and the protocol of the connection.
Script naming() {
  return [](Call& call) {
    call.read_body();
    call.send(response(200, call.connection().tls().server_name() + " " + call.connection().tls().protocol()));
  };
}

}  // namespace

TEST_CASE("an https endpoint gets its own name as Host and as SNI, and HTTP/1.1 by ALPN") {
  TlsFiles files;
  TlsWishes wishes = files.server();
  wishes.protocols = "h2,http/1.1";
  TlsUpstreamRig::Pair rig(wishes, naming(), "https://localhost", files.upstream());
  Connection client = rig.proxy.connect();
  client.send("GET /x HTTP/1.1\r\nHost: shop.example\r\n\r\n");
  CHECK(read_response(client).body == "localhost http/1.1");
  const Request seen = rig.upstream.requests().at(0);
  CHECK(seen.field("Host") == "localhost:" + std::to_string(rig.upstream.port()));
  CHECK(seen.field("X-Forwarded-Host") == "shop.example");
  CHECK(seen.field("X-Forwarded-Proto") == "http");
  client.send("GET /x HTTP/1.0\r\n\r\n");
  read_response(client);
  CHECK(rig.upstream.requests().at(1).field("Host") == "localhost:" + std::to_string(rig.upstream.port()));
}

TEST_CASE("with rewrite.host: preserve it gets the client's Host, and still its own name as SNI") {
  TlsFiles files;
  TlsUpstreamRig::Pair rig(files.server(), naming(), "https://localhost", files.upstream(),
                           "        rewrite: {host: preserve}\n");
  const Response reply = rig.proxy.get("/");
  CHECK(reply.body == "localhost ");
  CHECK(rig.upstream.requests().at(0).field("Host") == "localhost");
}

TEST_CASE("server_name stands for the endpoint's name in SNI, Host and the certificate") {
  TlsUpstreamRig tls(naming(), ", server_name: orders.example", "127.0.0.1", {.names = "DNS:orders.example"});
  CHECK(tls.rig.proxy.get("/").body == "orders.example ");
  CHECK(tls.rig.upstream.requests().at(0).field("Host") == "orders.example:" + std::to_string(tls.rig.upstream.port()));
}

TEST_CASE("an endpoint that is an address is known by it, and gets no SNI") {
  TlsUpstreamRig tls(naming(), {}, "127.0.0.1", {.names = "IP:127.0.0.1"});
  CHECK(tls.rig.proxy.get("/").body == " ");
}

TEST_CASE("an upstream whose certificate is not good is not spoken to, and the answer says why") {
  Authority stranger("Stranger");
  struct Case {
    const char* what;
    Wanted wanted;
    bool by_stranger;
    const char* reason;
  };
  for (const Case& one :
       {Case{"wrong name", {.names = "DNS:other.example", .common_name = "other"}, false, "hostname mismatch"},
        Case{"no name", {.names = "", .common_name = "other"}, false, "hostname mismatch"},
        Case{"common name alone", {.names = "", .common_name = "localhost"}, false, "hostname mismatch"},
        Case{"expired", {.ends_in = -std::chrono::seconds(60)}, false, "certificate has expired"},
        Case{"unknown authority", {}, true, "unable to get local issuer certificate"}}) {
    CAPTURE(one.what);
    TlsFiles files;
    const Identity shown = one.by_stranger ? stranger.issue(one.wanted) : files.authority.issue(one.wanted);
    TlsUpstreamRig::Pair rig({.identity = shown}, scripts::ok(), "https://localhost", files.upstream() + kOneTry);
    const auto problem = check_problem(rig.proxy.get("/"), 502, "ConnectFailed", "tls_certificate_error");
    CHECK(detail_of(problem) == std::string("upstream 'orders' failed the TLS handshake: ") + one.reason);
    CHECK(rig.upstream.request_count() == 0);
    CHECK(rig.handshakes("failed") == 1);

    TlsUpstreamRig::Pair careless({.identity = shown}, scripts::ok(), "https://localhost",
                                  files.upstream(", verify: false"));
    CHECK(careless.proxy.get("/").status == 200);
  }
}

TEST_CASE("an address that the certificate does not name is refused") {
  TlsUpstreamRig tls(scripts::ok(), {}, "127.0.0.1", {.names = "DNS:localhost,IP:127.0.0.2"});
  check_problem(tls.rig.proxy.get("/"), 502, "ConnectFailed", "tls_certificate_error");
}

TEST_CASE("the upstream gets our certificate when it asks for one") {
  for (const int version : {kTls12, kTls13}) {
    CAPTURE(version);
    TlsFiles files;
    Authority ours("Ours");
    const Identity identity = ours.issue({.names = "DNS:proxy", .common_name = "proxy"});
    const std::string keys = ", certificate: " + files.folder.write("our-cert.pem", identity.certificate) +
                             ", private_key: " + files.folder.write("our-key.pem", identity.private_key);
    TlsWishes wishes = files.server();
    wishes.ca = ours.certificate();
    wishes.version = version;
    TlsUpstreamRig::Pair rig(wishes, scripts::ok(), "https://localhost", files.upstream(keys));
    CHECK(rig.proxy.get("/").status == 200);

    TlsUpstreamRig::Pair without(wishes, scripts::ok(), "https://localhost", files.upstream());
    // In TLS 1.3 the alert comes after the handshake.
    check_problem(without.proxy.get("/"), 502, version == kTls12 ? "ConnectFailed" : "UpstreamReset",
                  "tls_alert_received");
    CHECK(without.upstream.request_count() == 0);
  }
}

TEST_CASE("an upstream that speaks no TLS is a TLS error, and counts as a failure to connect") {
  RealNginx plain;
  TestProxy proxy("listen: 127.0.0.1:0\nupstreams:\n  orders:\n    endpoints: [\"https://127.0.0.1:" +
                  std::to_string(plain.port()) + "\"]\n    fallback: {chain: []}\n");
  for (int i = 0; i < 5; ++i) {
    const auto problem = check_problem(proxy.get("/"), 502, "ConnectFailed", "tls_protocol_error");
    CHECK(detail_of(problem) == "upstream 'orders' failed the TLS handshake: wrong version number");
  }
  check_problem(proxy.get("/"), 503, "CircuitBreakerOpen");
}

TEST_CASE("an endpoint whose TLS handshake fails is passed over while another one answers") {
  TlsFiles files;
  TlsEnd server(TlsEnd::Role::server, files.server());
  ScriptedUpstream good(naming(), &server);
  RealNginx plain;
  TestProxy proxy("listen: 127.0.0.1:0\nupstreams:\n  orders:\n    endpoints: [\"https://localhost:" +
                  std::to_string(good.port()) + "\", \"https://127.0.0.1:" + std::to_string(plain.port()) +
                  "\"]\n    fallback: {chain: []}\n" + files.upstream());
  int failed = 0;
  for (int i = 0; i < 20; ++i) failed += proxy.get("/").status == 502 ? 1 : 0;
  CHECK(failed <= 2);  // one finds out, and after a second another one
  CHECK(proxy.state("orders") == "closed");
}

TEST_CASE("a handshake that stalls ends with timeouts.connect") {
  ReservedPort port;
  const int listener = port.listen();  // the kernel accepts, nobody answers
  TestProxy proxy(
      "listen: 127.0.0.1:0\nupstreams:\n  orders:\n    endpoints: [\"https://127.0.0.1:${ORDERS}\"]\n"
      "    timeouts: {connect: 200ms}\n    fallback: {chain: []}\n",
      {{"ORDERS", port.number()}});
  check_problem(proxy.get("/"), 504, "ConnectTimeout", "connection_timeout");
  ::close(listener);
}

TEST_CASE("a client that goes away during the upstream's handshake ends it") {
  ReservedPort port;
  const int listener = port.listen();
  TestProxy proxy(
      "listen: 127.0.0.1:0\nupstreams:\n  orders:\n    endpoints: [\"https://127.0.0.1:${ORDERS}\"]\n"
      "    timeouts: {connect: 1h, total: 1h}\n"
      "    circuit_breaker: {detection: {consecutive_slow_calls: off}}\n",
      {{"ORDERS", port.number()}});
  const std::string active = "fusewire_upstream_connections{upstream=\"orders\",state=\"active\"}";
  for (const bool says_more : {false, true}) {
    CAPTURE(says_more);
    {
      Connection client = proxy.connect();
      client.send("GET / HTTP/1.1\r\nHost: h\r\n\r\n");
      CHECK(eventually([&] { return proxy.metric(active) == 1; }));
      if (says_more) client.send("GET /next");
      CHECK_FALSE(client.ended(50ms));
    }
    CHECK(eventually([&] { return proxy.metric(active) == 0; }, 2s));
  }
  ::close(listener);
}

TEST_CASE("a new connection resumes the endpoint's last session") {
  for (const int version : {kTls12, kTls13}) {
    CAPTURE(version);
    TlsFiles files;
    TlsWishes wishes = files.server();
    wishes.version = version;
    TlsUpstreamRig::Pair rig(wishes, scripts::reply(response(200, "x", "Connection: close\r\n")), "https://localhost",
                             files.upstream());
    for (int i = 0; i < 6; ++i) CHECK(rig.proxy.get("/").status == 200);  // two workers, one full handshake each
    CHECK(rig.upstream.connection_count() == 6);
    CHECK(rig.upstream.resumed() == 4);
    CHECK(rig.handshakes("full") == 2);
    CHECK(rig.handshakes("resumed") == 4);
  }
}

TEST_CASE("no session is resumed with an upstream whose certificate has expired, unless it is not verified") {
  for (const int version : {kTls12, kTls13}) {
    for (const bool verify : {true, false}) {
      CAPTURE(version);
      CAPTURE(verify);
      TlsFiles files({.ends_in = std::chrono::seconds(verify ? 3 : -60)});
      TlsWishes wishes = files.server();
      wishes.version = version;
      TlsUpstreamRig::Pair rig(wishes, scripts::reply(response(200, "x", "Connection: close\r\n")), "https://localhost",
                               files.upstream(verify ? "" : ", verify: false") + kOneTry);
      for (int i = 0; i < 4; ++i) CHECK(rig.proxy.get("/").status == 200);
      CHECK(rig.upstream.resumed() == 2);
      if (!verify) continue;
      CHECK(eventually([&] { return rig.proxy.get("/").status == 502; }, 6s));
      check_problem(rig.proxy.get("/"), 502, "ConnectFailed", "tls_certificate_error");
    }
  }
}

TEST_CASE("a ticket that comes while a connection is idle does not cost the connection") {
  TlsUpstreamRig tls([](Call& call) {
    call.send(response(200, "x"));
    call.connection().tls().send_ticket();
  });
  Connection client = tls.rig.proxy.connect();
  for (int i = 0; i < 10; ++i) CHECK(ask(client).status == 200);
  CHECK(tls.rig.upstream.connection_count() == 1);
}

TEST_CASE("an upstream that sends nothing but tickets is cut off") {
  constexpr int kFlood = 2000;  // a peer that nobody cuts off sends so many
  std::atomic<int> sent{0};
  const Script script = [&](Call& call) {
    call.read_body();
    for (; sent < kFlood && !call.connection().ended(0ms); ++sent) call.connection().tls().send_ticket();
    call.send(response(200, "x"));
  };
  TlsFiles files;
  TlsUpstreamRig::Pair rig(files.server(), script, "https://localhost", files.upstream() + kOneTry);
  check_problem(rig.proxy.get("/"), 502, "UpstreamReset", "tls_protocol_error");
}

TEST_CASE("an idle connection that the upstream closes, or talks on unasked, is not used again") {
  TlsUpstreamRig tls([](Call& call) {
    call.send(response(200, "x"));
    if (call.number() == 1) call.connection().close();
    if (call.number() == 2) call.send("HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\nunasked");
  });
  Connection client = tls.rig.proxy.connect();
  const auto open = [&](const std::string& state) {
    return tls.rig.proxy.metric("fusewire_upstream_connections{upstream=\"orders\",state=\"" + state + "\"}");
  };
  // Twice: one that is given back between two readings is in neither.
  const auto none = [&] { return open("active") + open("idle") == 0 && open("idle") + open("active") == 0; };
  for (int i = 1; i <= 3; ++i) {
    CHECK(ask(client).body == "x");
    if (i < 3) CHECK(eventually(none));
  }
  CHECK(tls.rig.upstream.connection_count() == 3);
}

TEST_CASE("connections that were made under another trust are not used on") {
  TlsFiles files;
  TlsEnd server(TlsEnd::Role::server, files.server());
  ScriptedUpstream upstream(scripts::ok(), &server);
  const auto text = [&](const std::string& keys) {
    return "listen: 127.0.0.1:0\nupstreams:\n  orders:\n    endpoints: [\"https://localhost:" +
           std::to_string(upstream.port()) + "\"]\n    fallback: {chain: []}\n" + files.upstream(keys) + kNoBreaker;
  };
  TestProxy proxy(text(", verify: false"));
  Connection client = proxy.connect();
  CHECK(ask(client).status == 200);
  CHECK(proxy.reload(text("")).status == 200);
  CHECK(ask(client).status == 200);
  CHECK(upstream.connection_count() == 2);
  CHECK(proxy.reload(text(", server_name: other.example")).status == 200);
  check_problem(ask(client), 502, "ConnectFailed", "tls_certificate_error");
}
