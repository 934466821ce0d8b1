// SPDX-License-Identifier: Apache-2.0
// `serve: normal`: requests for one thing wait for one fetch of it, over all workers; and nobody waits in vain.
#include <atomic>
#include <memory>
#include <string>
#include <vector>

#include "tests/support/rig.hpp"

using namespace fusewire::testing;

namespace {

constexpr const char* kServe = "    cache: {serve: normal}\n";
constexpr int kClients = 20;
const std::string kFresh = "Cache-Control: max-age=600\r\nETag: \"v1\"\r\n";

// Answers once it is open.
struct Gate {
  std::shared_ptr<std::atomic<bool>> open = std::make_shared<std::atomic<bool>>(false);

  Script before(Script then) const {
    return [open = open, then = std::move(then)](Call& call) {
      while (!*open && call.wait(milliseconds(2))) {
      }
      then(call);
    };
  }
};

std::vector<Connection> ask(const Rig& rig, int clients, const std::string& fields = {},
                            const std::string& target = "/") {
  std::vector<Connection> connections;
  for (int i = 0; i < clients; ++i) {
    connections.push_back(Connection::to(rig.proxy.port()));
    connections.back().send("GET " + target + " HTTP/1.1\r\nHost: localhost\r\n" + fields + "\r\n");
  }
  return connections;
}

double connections(const Rig& rig) { return rig.proxy.metric("fusewire_connections"); }

// All have been accepted, and those of the workers' turns have looked at their requests: what waits, waits.
void settle(const Rig& rig, double clients) {
  REQUIRE(eventually([&] { return connections(rig) >= clients; }));
  for (int i = 0; i < 4; ++i) rig.proxy.get("/other");  // a turn of each worker at least
}

double events(const Rig& rig, const std::string& event) {
  return rig.proxy.metric("fusewire_cache_events_total{upstream=\"orders\",event=\"" + event + "\"}");
}

// The upstream's scripts go by target: `/other` is answered at once.
Script for_root(Script script) {
  return [script = std::move(script), other = scripts::ok("other")](Call& call) {
    (call.request().target == "/other" ? other : script)(call);
  };
}

std::size_t asked_for_root(const Rig& rig) {
  std::size_t count = 0;
  for (const Request& request : rig.upstream.requests()) count += request.target == "/other" ? 0 : 1;
  return count;
}

}  // namespace

TEST_CASE("requests for what is being fetched wait for it, on every worker") {
  const Gate gate;
  Rig rig(for_root(gate.before(scripts::reply(response(200, "once", kFresh)))), kServe);
  auto clients = ask(rig, kClients);
  settle(rig, kClients);
  *gate.open = true;
  int collapsed = 0;
  for (Connection& client : clients) {
    const Response reply = read_response(client);
    CHECK(reply.body == "once");
    collapsed += reply.field("Cache-Status").rfind("fusewire; fwd=uri-miss; collapsed; ttl=", 0) == 0 ? 1 : 0;
  }
  CHECK(asked_for_root(rig) == 1);
  CHECK(collapsed == events(rig, "collapse"));
  CHECK(collapsed + events(rig, "hit") == kClients - 1);
}

TEST_CASE("questions about what is stale are asked once for all") {
  Rig rig(scripts::ok(), kServe);
  rig.upstream.script(
      for_root(scripts::reply(response(200, "kept", "Cache-Control: max-age=60\r\nAge: 100\r\nETag: \"v1\"\r\n"))));
  rig.proxy.get("/");
  const Gate gate;
  rig.upstream.script(for_root(
      gate.before(scripts::reply("HTTP/1.1 304 Not Modified\r\nETag: \"v1\"\r\nCache-Control: max-age=600\r\n\r\n"))));
  auto clients = ask(rig, kClients);
  settle(rig, kClients);
  *gate.open = true;
  for (Connection& client : clients) CHECK(read_response(client).body == "kept");
  CHECK(asked_for_root(rig) == 2);
}

TEST_CASE("a fetch that takes a second attempt sets nobody free after the first one") {
  Rig rig(scripts::ok(), kServe);
  rig.upstream.script(
      for_root(scripts::reply(response(200, "old", "Cache-Control: max-age=60\r\nAge: 100\r\nETag: \"v1\"\r\n"))));
  rig.proxy.get("/");
  const auto succeeded = [&] { return rig.proxy.breaker().totals.success; };
  const auto before = succeeded();
  const auto asked_before = rig.upstream.request_count();
  const Gate gate;
  const auto about_another = scripts::reply("HTTP/1.1 304 Not Modified\r\nETag: \"v2\"\r\n\r\n");
  rig.upstream.script(for_root(
      scripts::in_turn({gate.before(about_another),
                        scripts::reply(response(200, "new", "Cache-Control: max-age=600\r\nETag: \"v2\"\r\n"))})));
  auto clients = ask(rig, kClients);
  settle(rig, kClients);
  *gate.open = true;
  for (Connection& client : clients) CHECK(read_response(client).body == "new");
  CHECK(asked_for_root(rig) == 3);
  CHECK(succeeded() - before == rig.upstream.request_count() - asked_before - 1);  // one permit for both attempts
}

TEST_CASE("a response that can't be shared sets free all who waited, at its head") {
  const Gate gate;
  std::atomic<int> number{0};
  Rig rig(for_root([&](Call& call) {
            const bool first = ++number == 1;
            if (first)
              while (!*gate.open && call.wait(milliseconds(2))) {
              }
            call.send("HTTP/1.1 200 OK\r\nContent-Length: 4\r\nCache-Control: no-store\r\n\r\n");
            if (first) call.hang();  // its body never comes: the others do not need it
            call.send("mine");
          }),
          kServe);
  auto leader = ask(rig, 1);
  REQUIRE(eventually([&] { return asked_for_root(rig) == 1; }));
  auto clients = ask(rig, kClients);
  settle(rig, kClients + 1);
  *gate.open = true;
  for (Connection& client : clients) CHECK(read_response(client).body == "mine");
  CHECK(asked_for_root(rig) == kClients + 1);
}

TEST_CASE("what could not be shared is not waited for the next time") {
  Rig rig(for_root(scripts::reply(response(200, "mine", "Cache-Control: private\r\n"))), kServe);
  rig.proxy.get("/");
  rig.upstream.script(for_root(scripts::hang()));
  auto clients = ask(rig, 5);
  CHECK(eventually([&] { return asked_for_root(rig) == 6; }));
}

TEST_CASE("a leader whose client goes away hands over to one of those who wait") {
  const Gate gate;
  Rig rig(for_root(scripts::hang()), kServe);
  auto leader = ask(rig, 1);
  REQUIRE(eventually([&] { return asked_for_root(rig) == 1; }));
  auto clients = ask(rig, kClients);
  settle(rig, kClients + 1);
  CHECK(asked_for_root(rig) == 1);
  rig.upstream.script(for_root(gate.before(scripts::reply(response(200, "once", kFresh)))));
  leader.clear();
  REQUIRE(eventually([&] { return asked_for_root(rig) == 2; }));
  *gate.open = true;
  for (Connection& client : clients) CHECK(read_response(client).body == "once");
  CHECK(asked_for_root(rig) == 2);
}

TEST_CASE("a request that has waited for two departed leaders asks alone") {
  Rig rig(for_root(scripts::hang()), kServe);
  auto leader = ask(rig, 1);
  REQUIRE(eventually([&] { return asked_for_root(rig) == 1; }));
  std::vector<Connection> clients;
  for (int i = 0; i < 6; ++i) clients.push_back(std::move(ask(rig, 1, "X-Client: " + std::to_string(i) + "\r\n")[0]));
  settle(rig, 7);
  leader.clear();
  REQUIRE(eventually([&] { return asked_for_root(rig) == 2; }));
  std::string second;
  for (const Request& request : rig.upstream.requests())
    if (request.target == "/") second = request.field("X-Client");
  settle(rig, 6);
  CHECK(asked_for_root(rig) == 2);
  clients.erase(clients.begin() + std::stoi(second));
  CHECK(eventually([&] { return asked_for_root(rig) == 7; }));
}

TEST_CASE("a leader whose own deadline is over hands over, too") {
  const Gate gate;
  Rig rig(for_root(scripts::hang()), kServe);
  auto leader = ask(rig, 1, "x-request-timeout-ms: 500\r\n");
  REQUIRE(eventually([&] { return asked_for_root(rig) == 1; }));
  rig.upstream.script(for_root(gate.before(scripts::reply(response(200, "once", kFresh)))));
  auto clients = ask(rig, kClients);
  CHECK(read_response(leader[0]).status == 504);
  REQUIRE(eventually([&] { return asked_for_root(rig) == 2; }));
  *gate.open = true;
  for (Connection& client : clients) CHECK(read_response(client).body == "once");
  CHECK(asked_for_root(rig) == 2);
}

TEST_CASE("those who wait for a fetch that fails ask by themselves") {
  const Gate gate;
  std::atomic<int> number{0};
  Rig rig(for_root([&](Call& call) {
            if (++number == 1) return gate.before(scripts::reset())(call);
            scripts::ok("mine")(call);
          }),
          std::string(kServe) + kNoBreaker + kOneTry);
  auto leader = ask(rig, 1);
  REQUIRE(eventually([&] { return asked_for_root(rig) == 1; }));
  auto clients = ask(rig, kClients);
  settle(rig, kClients + 1);
  *gate.open = true;
  CHECK(read_response(leader[0]).status == 502);
  for (Connection& client : clients) CHECK(read_response(client).body == "mine");
}

TEST_CASE("nobody waits longer than its own deadline, nor than the upstream may take to answer") {
  Rig rig(for_root(scripts::hang()), kServe);
  auto leader = ask(rig, 1);
  REQUIRE(eventually([&] { return asked_for_root(rig) == 1; }));
  const Response late = rig.proxy.get("/", "X-Request-Timeout-Ms: 100\r\n");
  check_problem(late, 504, "TotalTimeout", "http_response_timeout");
  CHECK(asked_for_root(rig) == 1);
}

TEST_CASE("a client that goes away while it waits is let go") {
  Rig rig(for_root(scripts::hang()), kServe);
  auto leader = ask(rig, 1);
  REQUIRE(eventually([&] { return asked_for_root(rig) == 1; }));
  auto clients = ask(rig, kClients);
  settle(rig, kClients + 1);
  clients.clear();
  CHECK(eventually([&] { return connections(rig) == 1; }));
}

TEST_CASE("who leads and takes its answer slowly holds nobody up") {
  const std::string body = pattern(16 << 20);
  Rig rig(for_root(scripts::reply(response(200, body, kFresh))), "    cache: {serve: normal, max_object: 32MiB}\n");
  Connection slow = Connection::to(rig.proxy.port());
  slow.send("GET / HTTP/1.1\r\nHost: localhost\r\n\r\n");
  REQUIRE(eventually([&] { return asked_for_root(rig) == 1; }));
  const Response reply = rig.proxy.get("/");
  CHECK(reply.complete);
  CHECK(reply.body == body);
  CHECK(asked_for_root(rig) == 2);
}

TEST_CASE("who leads and does not take its interim responses holds nobody up") {
  std::string hints;
  for (int i = 0; i < 40; ++i) hints += "HTTP/1.1 103 Early Hints\r\nLink: " + std::string(200'000, 'a') + "\r\n\r\n";
  Rig rig(for_root(scripts::reply(hints + response(200, "done", kFresh))),
          std::string(kServe) + "    limits: {max_head_bytes: 256KiB}\n");
  Connection slow = Connection::to(rig.proxy.port());
  slow.send("GET / HTTP/1.1\r\nHost: localhost\r\n\r\n");
  REQUIRE(eventually([&] { return asked_for_root(rig) == 1; }));
  const auto began = std::chrono::steady_clock::now();
  CHECK(rig.proxy.get("/").body == "done");
  CHECK(std::chrono::steady_clock::now() - began < 10s);  // timeouts.response is 15s
  CHECK(asked_for_root(rig) == 2);
}

TEST_CASE("a process that ends ends those who wait, too") {
  Rig rig(for_root(scripts::hang()), std::string(kServe), {}, {"shutdown.drain_timeout=100ms"});
  auto clients = ask(rig, kClients);
  settle(rig, kClients);
  rig.proxy.drain();
  CHECK(rig.proxy.wait() == 0);
}

TEST_CASE("a request with its own conditions, range or credentials neither leads nor is led") {
  for (const char* fields : {"Range: bytes=0-1\r\n", "Authorization: Basic eDp5\r\n", "If-None-Match: \"v1\"\r\n",
                             "Cache-Control: no-store\r\n"}) {
    CAPTURE(fields);
    Rig rig(for_root(scripts::hang()), kServe);
    auto clients = ask(rig, 3, fields);
    CHECK(eventually([&] { return asked_for_root(rig) == 3; }));
  }
}
