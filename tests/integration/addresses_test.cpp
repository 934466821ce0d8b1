// SPDX-License-Identifier: Apache-2.0
// Listening and connecting on unix sockets and over IPv6.
#include <string>

#include "tests/support/ipv6.hpp"
#include "tests/support/shell.hpp"
#include "tests/support/tls_rig.hpp"

using namespace fusewire::testing;

namespace {

std::string at(const std::string& address, const std::string& endpoint, const std::string& listener_lines = {},
               const std::string& upstream_lines = {}) {
  return "listeners:\n  - address: \"" + address + "\"\n" + listener_lines +
         "upstreams:\n  orders:\n    endpoints: [\"" + endpoint + "\"]\n    fallback: {chain: []}\n" + upstream_lines;
}

// A proxy that listens there, before a scripted upstream.
struct Behind {
  explicit Behind(const std::string& address, const std::string& listener_lines = {})
      : proxy(at(address, "http://127.0.0.1:${ORDERS}", listener_lines), {{"ORDERS", upstream.port()}}) {}

  ScriptedUpstream upstream;
  TestProxy proxy;
};

double opened(const TestProxy& proxy) {
  return proxy.metric("fusewire_upstream_connections_opened_total{upstream=\"orders\"}");
}

}  // namespace

TEST_CASE("a listener on a unix socket is answered, and its client has no address") {
  TemporaryFolder folder;
  const std::string path = (folder.path() / "in.sock").string();
  Behind back("unix:" + path);
  Connection client = Connection::to(path);
  CHECK(ask(client).body == "hello");
  CHECK(back.upstream.requests().at(0).field("X-Forwarded-For") == "unknown");
  CHECK(run("curl -sS --max-time 20 --noproxy '*' --unix-socket " + path + " http://localhost/").output == "hello");
}

TEST_CASE("an endpoint on a unix socket is reached, and its connection kept") {
  TemporaryFolder folder;
  const std::string address = "unix:" + (folder.path() / "back.sock").string();
  Behind back(address);
  TestProxy front(at("127.0.0.1:0", address));
  Connection client = front.connect();
  for (int i = 0; i < 3; ++i) CHECK(ask(client).body == "hello");
  CHECK(opened(front) == 1);
  CHECK(back.upstream.requests().at(0).field("X-Forwarded-Host") == "localhost");  // a socket's own name
}

TEST_CASE("an endpoint on a unix socket that is not there is refused") {
  TemporaryFolder folder;
  TestProxy front(at("127.0.0.1:0", "unix:" + (folder.path() / "none.sock").string()));
  check_problem(front.get("/"), 502, "ConnectFailed", "connection_refused");
}

TEST_CASE("a listener on IPv6 is answered, and its client is named as RFC 7239 wants it" * needs_ipv6()) {
  Behind back("[::1]:0");
  const std::string where = "[::1]:" + std::to_string(back.proxy.port());
  Connection client = Connection::to(where);
  CHECK(ask(client).body == "hello");
  const Request seen = back.upstream.requests().at(0);
  CHECK(seen.field("X-Forwarded-For") == "::1");
  CHECK(seen.field("Forwarded") == "for=\"[::1]\";host=localhost;proto=http");
  CHECK(run("curl -sS --max-time 20 --noproxy '*' -g 'http://" + where + "/'").output == "hello");
}

TEST_CASE("an IPv6 client in trust_forwarded keeps its forwarding fields" * needs_ipv6()) {
  Behind back("[::1]:0", "    trust_forwarded: [\"::1/128\"]\n");
  Connection client = Connection::to("[::1]:" + std::to_string(back.proxy.port()));
  CHECK(ask(client, "/", "X-Forwarded-For: 10.0.0.1\r\n").status == 200);
  CHECK(back.upstream.requests().at(0).field("X-Forwarded-For") == "10.0.0.1, ::1");
}

TEST_CASE("an endpoint on IPv6 is reached" * needs_ipv6()) {
  Behind back("[::1]:0");
  TestProxy front(at("127.0.0.1:0", "http://[::1]:" + std::to_string(back.proxy.port())));
  CHECK(front.get("/").body == "hello");
  CHECK(opened(front) == 1);
}

TEST_CASE("TLS is spoken over unix sockets and IPv6 as over IPv4" * needs_ipv6()) {
  TlsFiles files({.names = "DNS:localhost,IP:::1"});
  TlsEnd end(TlsEnd::Role::client, files.client());
  TemporaryFolder folder;
  const std::string path = (folder.path() / "in.sock").string();
  Behind local("unix:" + path, files.listener());
  Connection client = Connection::to(path);
  CHECK(client.secure(end));
  CHECK(ask(client).body == "hello");
  CHECK(local.upstream.requests().at(0).field("X-Forwarded-Proto") == "https");

  Behind back("[::1]:0", files.listener());
  TestProxy front(at("127.0.0.1:0", "https://[::1]:" + std::to_string(back.proxy.port()), {}, files.upstream()));
  const Response reply = front.get("/");
  CHECK(reply.body == "hello");
  CHECK(back.upstream.requests().at(0).field("X-Forwarded-Host") == "[::1]:" + std::to_string(back.proxy.port()));
}
