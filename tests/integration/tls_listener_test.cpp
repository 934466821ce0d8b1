// SPDX-License-Identifier: Apache-2.0
// Clients that speak TLS: the handshake and what is agreed in it.
#include <string>

#include "tests/support/tls_rig.hpp"

using namespace fusewire::testing;

namespace {

TlsWishes with(TlsWishes wishes, int version, const std::string& protocols = {}) {
  wishes.version = version;
  wishes.protocols = protocols;
  return wishes;
}

}  // namespace

TEST_CASE("a request over TLS reaches the upstream with https as its scheme") {
  TlsListenerRig tls;
  Connection client = tls.secured(tls.client);
  CHECK(client.tls().version() == "TLSv1.3");
  CHECK(client.tls().peer_certificate() == tls.files.identity.certificate);
  const Response reply = ask(client, "/", "X-Forwarded-Proto: gopher\r\n");
  CHECK(reply.status == 200);
  CHECK(reply.body == "hello");
  const Request seen = tls.rig.upstream.requests().at(0);
  CHECK(seen.field("X-Forwarded-Proto") == "https");
  CHECK(seen.field("X-Forwarded-For") == "127.0.0.1");
  CHECK(seen.field("Forwarded") == "for=127.0.0.1;host=localhost;proto=https");
  CHECK(seen.field("Host") == "127.0.0.1:" + std::to_string(tls.rig.upstream.port()));
}

TEST_CASE("over TLS an absolute-form target is https, and nothing else") {
  TlsListenerRig tls;
  Connection client = tls.secured(tls.client);
  client.send("GET https://other:8443/x HTTP/1.1\r\nHost: h\r\n\r\n");
  CHECK(read_response(client).status == 200);
  CHECK(tls.rig.upstream.requests().at(0).target == "/x");
  CHECK(tls.rig.upstream.requests().at(0).field("Host") == "other:8443");
  client.send("GET http://other/x HTTP/1.1\r\nHost: h\r\n\r\n");
  check_problem(read_response(client), 400, "BadRequest");
}

TEST_CASE("HTTP/1.1 is agreed on by ALPN; a client that has it not is refused with an alert") {
  TlsListenerRig tls;
  TlsEnd both(TlsEnd::Role::client, with(tls.files.client(), 0, "h2,http/1.1"));
  CHECK(tls.secured(both).tls().protocol() == "http/1.1");
  CHECK(tls.secured(tls.client).tls().protocol().empty());
  TlsEnd h2(TlsEnd::Role::client, with(tls.files.client(), 0, "h2"));
  Connection refused = tls.connect();
  CHECK_FALSE(refused.secure(h2));
  CHECK(refused.tls().failure() == "tlsv1 alert no application protocol");
}

TEST_CASE("TLS 1.2 is spoken with forward secrecy, unless min_version is above it") {
  TlsListenerRig tls;
  TlsEnd older(TlsEnd::Role::client, with(tls.files.client(), kTls12));
  Connection client = tls.secured(older);
  CHECK(client.tls().version() == "TLSv1.2");
  CHECK(client.tls().cipher() == "ECDHE-ECDSA-AES128-GCM-SHA256");
  CHECK(ask(client).status == 200);

  TlsListenerRig strict(scripts::ok(), ", min_version: \"1.3\"");
  TlsEnd too_old(TlsEnd::Role::client, with(strict.files.client(), kTls12));
  Connection refused = strict.connect();
  CHECK_FALSE(refused.secure(too_old));
  CHECK(refused.tls().failure() == "tlsv1 alert protocol version");
  Connection taken = strict.secured(strict.client);
  CHECK(ask(taken).status == 200);
}

TEST_CASE("a client resumes its session, at any worker") {
  for (const int version : {kTls12, kTls13}) {
    CAPTURE(version);
    TlsListenerRig tls;
    TlsEnd end(TlsEnd::Role::client, with(tls.files.client(), version));
    {
      Connection first = tls.secured(end);
      CHECK_FALSE(first.tls().resumed());
      CHECK(ask(first).status == 200);
    }
    for (int i = 0; i < 4; ++i) {  // connections go to the workers in turn
      Connection again = tls.secured(end, true);
      CHECK(again.tls().resumed());
      CHECK(ask(again).status == 200);
    }
    CHECK(tls.handshakes("full") == 1);
    CHECK(tls.handshakes("resumed") == 4);
    CHECK(tls.handshakes("failed") == 0);
  }
}

TEST_CASE("where client_ca is given, a client must show a certificate by it") {
  for (const int version : {kTls12, kTls13}) {
    CAPTURE(version);
    Authority clients("Clients");
    TemporaryFolder folder;
    TlsListenerRig tls(scripts::ok(), ", client_ca: " + folder.write("clients.pem", clients.certificate()));
    // In TLS 1.3 the client is done before it hears of its refusal.
    const auto status = [&](const Identity& identity) {
      TlsWishes wishes = with(tls.files.client(), version);
      wishes.identity = identity;
      TlsEnd end(TlsEnd::Role::client, wishes);
      Connection client = tls.connect();
      return client.secure(end) ? ask(client).status : 0;
    };
    CHECK(status(clients.issue({.names = "DNS:client", .common_name = "client"})) == 200);
    CHECK(status({}) == 0);
    CHECK(status(tls.files.authority.issue()) == 0);
    CHECK(status(clients.issue({.names = "DNS:client", .ends_in = -std::chrono::seconds(60)})) == 0);
    CHECK(eventually([&] { return tls.handshakes("failed") == 3; }));
    CHECK(tls.rig.upstream.request_count() == 1);
  }
}

TEST_CASE("a session that began with a client's certificate is resumed") {
  Authority clients("Clients");
  TemporaryFolder folder;
  TlsListenerRig tls(scripts::ok(), ", client_ca: " + folder.write("clients.pem", clients.certificate()));
  TlsWishes wishes = tls.files.client();
  wishes.identity = clients.issue();
  TlsEnd end(TlsEnd::Role::client, wishes);
  Connection first = tls.secured(end);
  CHECK(ask(first).status == 200);
  Connection again = tls.secured(end, true);
  CHECK(again.tls().resumed());
  CHECK(ask(again).status == 200);
}

TEST_CASE("a client whose certificate has expired resumes no session") {
  for (const int version : {kTls12, kTls13}) {
    CAPTURE(version);
    Authority clients("Clients");
    TemporaryFolder folder;
    TlsListenerRig tls(scripts::ok(), ", client_ca: " + folder.write("clients.pem", clients.certificate()));
    TlsWishes wishes = with(tls.files.client(), version);
    wishes.identity = clients.issue({.names = "DNS:client", .ends_in = std::chrono::seconds(3)});
    TlsEnd end(TlsEnd::Role::client, wishes);
    {
      Connection first = tls.secured(end);
      CHECK(ask(first).status == 200);
    }
    CHECK(eventually(
        [&] {
          Connection again = tls.connect();
          return !again.secure(end, true) || ask(again).status == 0;
        },
        6s));
    CHECK(eventually([&] { return tls.handshakes("failed") == 1; }));
  }
}

TEST_CASE("plain HTTP on a TLS port gets a 400") {
  TlsListenerRig tls;
  Connection client = tls.connect();
  client.send("GET / HTTP/1.1\r\nHost: h\r\n\r\n");
  check_problem(read_response(client), 400, "BadRequest");
  CHECK(client.ended());
  CHECK(tls.handshakes("failed") == 1);
  CHECK(tls.rig.upstream.request_count() == 0);
}

TEST_CASE("what is neither TLS nor HTTP is closed") {
  TlsListenerRig tls;
  Connection client = tls.connect();
  client.send(std::string(200, '\x7f'));
  CHECK(client.ended());
  CHECK(eventually([&] { return tls.handshakes("failed") == 1; }));
}

TEST_CASE("TLS on a plain port is a clean 400") {
  Rig rig;
  Connection client = rig.proxy.connect();
  client.send(std::string("\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03", 11) + std::string(400, '\x01'));
  check_problem(read_response(client), 400, "BadRequest");
}

TEST_CASE("a handshake that stalls ends with head_timeout, however little comes of it all the time") {
  TlsListenerRig tls(scripts::ok(), {}, "    limits: {head_timeout: 200ms}\n");
  Connection silent = tls.connect();
  CHECK(silent.ended());
  Connection slow = tls.connect();
  const std::string hello("\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03", 11);
  const auto sent = [&] {
    for (const char& byte : hello)
      if (!slow.send({&byte, 1}) || slow.ended(50ms)) return false;
    return true;
  };
  CHECK_FALSE(sent());
  CHECK(eventually([&] { return tls.handshakes("failed") == 2; }));
}

TEST_CASE("handshakes under way end when the proxy drains") {
  TlsListenerRig tls;
  Connection silent = tls.connect();
  CHECK(eventually([&] { return tls.rig.proxy.metric("fusewire_connections") == 1; }));
  tls.rig.proxy.drain();
  CHECK(tls.rig.proxy.wait() == 0);
  CHECK(silent.ended());
}

TEST_CASE("the listener's certificate is counted down to its end") {
  TlsListenerRig tls;
  const auto now =
      std::chrono::duration_cast<std::chrono::seconds>(std::chrono::system_clock::now().time_since_epoch());
  const double ends = tls.rig.proxy.metric("fusewire_certificate_not_after_timestamp_seconds{listener=\"main\"}");
  CHECK(ends > static_cast<double>(now.count()) + 3000);
  CHECK(ends <= static_cast<double>(now.count()) + 3600);
}

TEST_CASE("neither the configuration that is shown nor a log has a key in it") {
  TlsListenerRig tls;
  const Response shown = tls.rig.proxy.admin("GET", "/admin/config");
  CHECK(shown.body.find(tls.files.at("key.pem")) != std::string::npos);
  CHECK(shown.body.find("PRIVATE") == std::string::npos);
}
