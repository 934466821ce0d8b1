// SPDX-License-Identifier: Apache-2.0
// Authentication of the connection (NTLM, Negotiate, Kerberos): a connection on which it goes on is one client's own.
#include <atomic>
#include <string>
#include <vector>

#include "tests/support/rig.hpp"

using namespace fusewire::testing;

namespace {

// Signs a connection in with three legs, as IIS does: who speaks next on it is that user. `fields` are added to what it
// answers to a user. A connection is a thread's.
Script ntlm(const std::string& fields = {}) {
  return [fields](Call& call) {
    thread_local std::string user;
    thread_local bool challenged = false;
    const std::string said = call.request().field("Authorization");
    call.read_body();
    if (said == "NTLM hello") {
      challenged = true;
      call.send(response(401, "", "WWW-Authenticate: NTLM challenge\r\n"));
    } else if (said.starts_with("NTLM i-am-") && challenged) {
      user = said.substr(10);
      call.send(response(200, "hello " + user, fields));
    } else if (user.empty()) {
      call.send(response(401, "", "WWW-Authenticate: Basic realm=\"a, b\", NTLM\r\n"));
    } else {
      call.send(response(200, "hello " + user, fields));
    }
  };
}

Response ask_as(Connection& client, const std::string& credentials = {}, const std::string& target = "/") {
  const std::string field = credentials.empty() ? "" : "Authorization: " + credentials + "\r\n";
  client.send("GET " + target + " HTTP/1.1\r\nHost: h\r\n" + field + "\r\n");
  return read_response(client);
}

// The three legs.
void sign_in(Connection& client, const std::string& user) {
  CHECK(ask_as(client).status == 401);
  CHECK(ask_as(client, "NTLM hello").field("WWW-Authenticate") == "NTLM challenge");
  CHECK(ask_as(client, "NTLM i-am-" + user).body == "hello " + user);
}

// As many as reach both workers.
std::vector<Connection> strangers(const Rig& rig) {
  std::vector<Connection> clients;
  for (int i = 0; i < 4; ++i) clients.push_back(rig.proxy.connect());
  return clients;
}

}  // namespace

TEST_CASE("a connection that a client has signed in on is that client's alone, from the first leg to its end") {
  Rig rig(ntlm());
  Connection alice = rig.proxy.connect();
  sign_in(alice, "alice");
  auto others = strangers(rig);
  for (Connection& other : others) CHECK(ask_as(other).status == 401);
  sign_in(others[0], "bob");
  CHECK(ask_as(alice).body == "hello alice");
  CHECK(ask_as(others[0]).body == "hello bob");
  CHECK(ask_as(others[1]).status == 401);
  alice.close();
  for (Connection& other : others) other.close();
  CHECK(eventually([&] { return rig.upstream.open_connections() == 0; }));
  for (Connection& other : strangers(rig)) CHECK(ask_as(other).status == 401);
  CHECK(rig.proxy.metric("fusewire_upstream_connections{upstream=\"orders\",state=\"idle\"}") == 0);
}

TEST_CASE("credentials of the first request bind its connection, without a challenge") {
  std::atomic<int> connections{0};
  Rig rig([&](Call& call) {
    thread_local const int number = ++connections;
    call.send(response(200, std::to_string(number)));
  });
  for (const char* field : {"Authorization: Negotiate YII=", "Proxy-Authorization: Kerberos x"}) {
    CAPTURE(field);
    Connection client = rig.proxy.connect();
    client.send("GET / HTTP/1.1\r\nHost: h\r\n" + std::string(field) + "\r\n\r\n");
    const std::string own = read_response(client).body;
    auto others = strangers(rig);
    for (Connection& other : others) CHECK(ask_as(other).body != own);
    CHECK(ask_as(client).body == own);
  }
}

TEST_CASE("clients that sign in leave half of max_connections to the others, who hear that their connection ends") {
  Rig rig(ntlm(), "    limits: {max_connections: 4}\n");
  auto clients = strangers(rig);
  std::size_t kept = 0;
  for (Connection& client : clients) {
    const Response reply = ask_as(client);
    CHECK(reply.status == 401);
    if (reply.field("Connection") == "close")
      CHECK(client.ended());
    else
      ++kept;
  }
  CHECK(kept == 2);
  clients.clear();
  CHECK(eventually([&] {
    Connection next = rig.proxy.connect();
    const Response reply = ask_as(next);
    return reply.status == 401 && reply.field("Connection") != "close";
  }));
}

TEST_CASE("a client's own connection keeps its place among those while it is in use") {
  std::atomic<bool> go{false};
  Rig rig(
      [&](Call& call) {
        if (call.request().target == "/slow") eventually([&] { return go.load() || call.stopping(); });
        ntlm()(call);
      },
      "    limits: {max_connections: 2}\n");
  Connection alice = rig.proxy.connect();
  sign_in(alice, "alice");
  alice.send("GET /slow HTTP/1.1\r\nHost: h\r\n\r\n");
  REQUIRE(eventually([&] { return rig.upstream.request_count() == 4; }));
  Connection bob = rig.proxy.connect();
  CHECK(ask_as(bob).field("Connection") == "close");
  go = true;
  CHECK(read_response(alice).body == "hello alice");
  CHECK(ask_as(alice).body == "hello alice");
}

TEST_CASE("other schemes leave a connection to everybody") {
  Rig rig([](Call& call) { call.send(response(401, "", "WWW-Authenticate: Basic realm=x, Digest realm=y\r\n")); });
  Connection client = rig.proxy.connect();
  CHECK(ask_as(client, "Basic eDp5").status == 401);
  CHECK(eventually(
      [&] { return rig.proxy.metric("fusewire_upstream_connections{upstream=\"orders\",state=\"idle\"}") == 1; }));
}

TEST_CASE("when the upstream ends a client's own connection, the client's ends too: it signs in anew") {
  std::atomic<bool> end{false};
  Rig rig([&](Call& call) {
    ntlm()(call);
    if (call.request().field("Authorization") != "NTLM hello") return;
    eventually([&] { return end.load() || call.stopping(); });
    call.connection().close();
  });
  Connection client = rig.proxy.connect();
  CHECK(ask_as(client).status == 401);
  CHECK(ask_as(client, "NTLM hello").status == 401);
  end = true;
  CHECK(client.ended());
  CHECK(client.end() == End::eof);
}

TEST_CASE("a leg of a handshake is sent on its own connection or not at all") {
  Rig rig([](Call& call) {
    if (call.request().field("Authorization").starts_with("NTLM i-am-")) return call.connection().close();
    ntlm()(call);
  });
  Connection client = rig.proxy.connect();
  CHECK(ask_as(client).status == 401);
  CHECK(ask_as(client, "NTLM hello").status == 401);
  const Response reply = ask_as(client, "NTLM i-am-alice");
  check_problem(reply, 502, "UpstreamReset", "connection_terminated");
  CHECK(reply.field("Connection") == "close");
  CHECK(client.ended());
  CHECK(rig.upstream.request_count() == 3);
}

TEST_CASE("a request without credentials on a connection that turned out closed goes out on a fresh one") {
  std::atomic<int> asked{0};
  Rig rig([&](Call& call) {
    if (++asked == 2) return call.connection().close();
    ntlm()(call);
  });
  Connection client = rig.proxy.connect();
  CHECK(ask_as(client).status == 401);
  CHECK(ask_as(client).status == 401);
  CHECK(rig.upstream.connection_count() == 2);
}

TEST_CASE("what comes over a client's own connection is not stored, although its later requests carry no credentials") {
  Rig rig(ntlm("Cache-Control: max-age=60\r\n"), "    cache: {serve: normal}\n");
  Connection alice = rig.proxy.connect();
  sign_in(alice, "alice");
  CHECK(ask_as(alice, {}, "/mine").body == "hello alice");
  for (Connection& other : strangers(rig)) CHECK(ask_as(other, {}, "/mine").status == 401);
  CHECK(rig.proxy.metric("fusewire_cache_entries{upstream=\"orders\"}") == 0);
}

TEST_CASE("a client's own connection keeps its place among max_connections until the client goes") {
  Rig rig(ntlm(), "    limits: {max_connections: 1}\n");
  Connection alice = rig.proxy.connect();
  sign_in(alice, "alice");
  check_problem(rig.proxy.get("/"), 503, "ConcurrencyLimit", "connection_limit_reached");
  CHECK(ask_as(alice).body == "hello alice");
  alice.close();
  CHECK(eventually([&] { return rig.proxy.get("/").status == 401; }));
}

TEST_CASE("a reload that removes the endpoint ends clients' own connections to it") {
  Rig rig(ntlm());
  ScriptedUpstream other;
  Connection alice = rig.proxy.connect();
  sign_in(alice, "alice");
  const std::string yaml =
      "listeners:\n  - name: main\n    address: 127.0.0.1:0\n    routes:\n      - upstream: orders\n"
      "upstreams:\n  orders: {endpoints: [\"http://127.0.0.1:" +
      std::to_string(other.port()) + "\"]}\n";
  CHECK(rig.proxy.reload(yaml).status == 200);
  CHECK(eventually([&] { return rig.upstream.open_connections() == 0; }));
  CHECK(alice.ended());
}
