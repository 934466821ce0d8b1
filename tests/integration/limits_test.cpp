// SPDX-License-Identifier: Apache-2.0
// The listener's limits on clients and the upstream's limits on us.
#include <atomic>
#include <string>
#include <vector>

#include "tests/support/rig.hpp"

using namespace fusewire::testing;

namespace {

Response answer_to(Rig& rig, const std::string& raw) {
  Connection client = rig.proxy.connect();
  client.send(raw);
  return read_response(client);
}

std::string with_line_of(std::size_t bytes) {
  const std::string start = "GET /";
  const std::string end = " HTTP/1.1\r\n";
  return start + std::string(bytes - start.size() - end.size(), 'x') + end + "Host: h\r\n\r\n";
}

std::string with_fields(int count) {
  std::string raw = "GET / HTTP/1.1\r\nHost: h\r\n";
  for (int i = 1; i < count; ++i) raw += "X-" + std::to_string(i) + ": v\r\n";
  return raw + "\r\n";
}

std::string with_head_of(std::size_t bytes) {
  std::string raw = "GET / HTTP/1.1\r\nHost: h\r\nX-Big: ";
  return raw + std::string(bytes - raw.size() - 4, 'x') + "\r\n\r\n";
}

}  // namespace

TEST_CASE("a client that waits for 100 (Continue) owes nothing before it, and nothing behind an early final answer") {
  for (const bool is_final : {true, false}) {
    CAPTURE(is_final);
    Rig rig(
        [is_final](Call& call) {
          if (is_final) call.send("HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nso");
          call.wait(milliseconds(400));
          call.send(is_final ? "on" : "HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nsoon");
        },
        "", "    limits: {body_timeout: 100ms}\n");
    Connection client = rig.proxy.connect();
    client.send("PUT / HTTP/1.1\r\nHost: h\r\nContent-Length: 100000\r\nExpect: 100-continue\r\n\r\n");
    CHECK(read_response(client, "PUT").body == "soon");
    CHECK(rig.proxy.breaker().totals.success == 1);
  }
}

TEST_CASE("a request line over 8 KiB is answered 414") {
  Rig rig;
  check_problem(answer_to(rig, with_line_of(8 * 1024 + 100)), 414, "UriTooLong");
  check_problem(answer_to(rig, "GET /" + std::string(200 * 1024, 'x')), 414, "UriTooLong");
  CHECK(rig.upstream.request_count() == 0);
  CHECK(answer_to(rig, with_line_of(8 * 1024 - 100)).status == 200);
}

TEST_CASE("a head over 32 KiB or 100 fields is answered 431") {
  Rig rig;
  check_problem(answer_to(rig, with_head_of(32 * 1024 + 100)), 431, "HeadersTooLarge");
  check_problem(answer_to(rig, "GET / HTTP/1.1\r\nHost: h\r\nX: " + std::string(200 * 1024, 'x')), 431,
                "HeadersTooLarge");
  check_problem(answer_to(rig, with_fields(101)), 431, "HeadersTooLarge");
  CHECK(rig.upstream.request_count() == 0);
  CHECK(answer_to(rig, with_head_of(32 * 1024 - 100)).status == 200);
  CHECK(answer_to(rig, with_fields(100)).status == 200);
}

TEST_CASE("the head's limits can be set") {
  Rig rig(scripts::ok(), "", "    limits: {max_request_line: 100, max_head_bytes: 1KiB, max_fields: 5}\n");
  check_problem(answer_to(rig, with_line_of(150)), 414, "UriTooLong");
  check_problem(answer_to(rig, with_head_of(1100)), 431, "HeadersTooLarge");
  check_problem(answer_to(rig, with_fields(6)), 431, "HeadersTooLarge");
  CHECK(answer_to(rig, with_fields(5)).status == 200);
}

TEST_CASE("a body over max_body is answered 413, announced or found out, and is nobody's failure") {
  Rig rig(scripts::echo(), "", "    limits: {max_body: 1000}\n");
  CHECK(rig.proxy.request("POST", "/", "", std::string(1000, 'x')).status == 200);
  check_problem(answer_to(rig, "POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 1001\r\n\r\n"), 413, "BodyTooLarge");
  CHECK(rig.upstream.request_count() == 1);
  check_problem(answer_to(rig, "POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n" +
                                   chunked(std::string(1001, 'x'), 100)),
                413, "BodyTooLarge");
  CHECK(rig.proxy.breaker().totals.failure == 0);
}

TEST_CASE("a client that is slow with its head is answered 408") {
  Rig rig(scripts::ok(), "", "    limits: {head_timeout: 200ms}\n");
  check_problem(answer_to(rig, "GET / HTTP/1.1\r\nHo"), 408, "RequestTimeout");
}

TEST_CASE("dripping a head does not prolong its time") {
  Rig rig(scripts::ok(), "", "    limits: {head_timeout: 300ms}\n");
  Connection client = rig.proxy.connect();
  client.send("GET / HTTP/1.1\r\nX-Drip: ");
  int drops = 0;
  while (drops < 2000 && !client.ended(10ms) && client.send("x")) ++drops;
  CHECK(drops < 2000);
  CHECK(client.buffered().rfind("HTTP/1.1 408 ", 0) == 0);
}

TEST_CASE("a client that is slow with its body is answered 408, and that is nobody's failure") {
  Rig rig(scripts::ok(), "", "    limits: {body_timeout: 200ms}\n");
  check_problem(answer_to(rig, "POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 100\r\n\r\nhello"), 408,
                "RequestTimeout");
  CHECK(eventually([&] { return rig.proxy.breaker().totals.neutral == 1; }));
  CHECK(rig.proxy.breaker().totals.failure == 0);
}

TEST_CASE("a body that drips in behind the proxy's own answer is not drained for ever") {
  Rig rig(scripts::ok(), "", "    limits: {body_timeout: 300ms}\n");
  Connection client = rig.proxy.connect();
  client.send("OPTIONS / HTTP/1.1\r\nHost: h\r\nMax-Forwards: 0\r\nContent-Length: 1000\r\n\r\n");
  CHECK(read_response(client).status == 200);
  int drops = 0;
  while (drops < 100 && client.send("x") && !client.ended(50ms)) ++drops;
  CHECK(drops < 100);
}

TEST_CASE("an idle client connection is closed without a word") {
  Rig rig(scripts::ok(), "", "    limits: {idle_timeout: 200ms}\n");
  Connection client = rig.proxy.connect();
  client.send("GET / HTTP/1.1\r\nHost: h\r\n\r\n");
  CHECK(read_response(client).status == 200);
  CHECK(client.ended());
  CHECK(client.end() == End::eof);
  CHECK(client.buffered() == "");
}

TEST_CASE("idle_timeout counts from the end of a request, however long that took") {
  constexpr auto kIdle = 200ms;
  Rig rig(
      [&](Call& call) {
        call.connection().ended(2 * kIdle);
        call.send(response(200, "late"));
      },
      "", "    limits: {idle_timeout: 200ms}\n");
  Connection client = rig.proxy.connect();
  for (int i = 0; i < 2; ++i) {
    client.send("GET / HTTP/1.1\r\nHost: h\r\n\r\n");
    CHECK(read_response(client).status == 200);
  }
  REQUIRE(rig.proxy.admin_change("/admin/circuit-breakers/orders/force-open").status == 200);
  client.send("POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 4\r\n\r\n");  // it is answered before its body
  CHECK(read_response(client).status == 503);
  CHECK_FALSE(client.ended(2 * kIdle));
  client.send("bodyGET / HTTP/1.1\r\nHost: h\r\n\r\n");
  CHECK(read_response(client).status == 503);
}

TEST_CASE("a client that does not read its response is not waited for longer than send_timeout") {
  Rig rig([](Call& call) { call.send(response(200, std::string(64 * 1024 * 1024, 'x'))); }, "",
          "    limits: {send_timeout: 300ms}\n");
  Connection client = rig.proxy.connect();
  client.send("GET / HTTP/1.1\r\nHost: h\r\n\r\n");
  CHECK(eventually([&] { return rig.upstream.request_count() == 1; }));
  CHECK(eventually([&] { return rig.upstream.open_connections() == 0; }));
  CHECK(rig.proxy.breaker().totals.failure == 0);
}

TEST_CASE("connections beyond the listener's limit are not served while all others are busy") {
  Rig rig(scripts::in_turn({scripts::hang(), scripts::hang(), scripts::ok()}), "",
          "    limits: {max_connections: 2}\n");
  Connection first = rig.proxy.connect();
  Connection second = rig.proxy.connect();
  first.send("GET / HTTP/1.1\r\nHost: h\r\n\r\n");
  second.send("GET / HTTP/1.1\r\nHost: h\r\n\r\n");
  REQUIRE(eventually([&] { return rig.upstream.request_count() == 2; }));
  Connection third = rig.proxy.connect();
  third.send("GET / HTTP/1.1\r\nHost: h\r\n\r\n");
  check_problem(read_response(third), 503, "ConcurrencyLimit");
  CHECK(rig.upstream.request_count() == 2);
  first.close();
  CHECK(eventually([&] { return rig.proxy.get("/").status == 200; }));
}

TEST_CASE("where a full listener lets clients wait, the next one is served as soon as another one ends") {
  const std::string get = "GET / HTTP/1.1\r\nHost: h\r\n\r\n";
  Rig rig(scripts::hang(), "", "    limits: {max_connections: 2, when_full: wait}\n");
  std::vector<Connection> clients;
  for (int i = 0; i < 20; ++i) {
    clients.push_back(rig.proxy.connect());
    clients.back().send(get);
  }
  REQUIRE(eventually([&] { return rig.upstream.request_count() == 2; }));
  CHECK_FALSE(clients[2].fill(200ms));
  CHECK(rig.upstream.request_count() == 2);
  for (std::size_t i = 2; i < clients.size(); ++i) {
    CAPTURE(i);
    clients[i - 2].close();
    CHECK(eventually([&] { return rig.upstream.request_count() == i + 1; }));
    CHECK(rig.proxy.metric("fusewire_connections") <= 2);
  }
}

TEST_CASE("clients that wait for a full listener are let in, or refused, by a reload") {
  const auto listener = [](const std::string& limits) { return "    limits: {" + limits + "}\n"; };
  for (const bool more : {true, false}) {
    CAPTURE(more);
    Rig rig(scripts::in_turn({scripts::hang(), scripts::ok()}), "", listener("max_connections: 1, when_full: wait"));
    Connection first = rig.proxy.connect();
    first.send("GET / HTTP/1.1\r\nHost: h\r\n\r\n");
    REQUIRE(eventually([&] { return rig.upstream.request_count() == 1; }));
    Connection second = rig.proxy.connect();
    second.send("GET / HTTP/1.1\r\nHost: h\r\n\r\n");
    CHECK_FALSE(second.fill(100ms));
    const auto next = more ? "max_connections: 2, when_full: wait" : "max_connections: 1, when_full: refuse";
    CHECK(rig.proxy.reload(orders({}, listener(next))).status == 200);
    CHECK(read_response(second).status == (more ? 200 : 503));
  }
}

TEST_CASE("all clients that wait for a full listener when it closes are served") {
  std::atomic<bool> go{false};
  Rig rig(
      [&](Call& call) {
        eventually([&] { return go.load() || call.stopping(); });
        call.send(response(200, "done"));
      },
      "", "    limits: {max_connections: 1, when_full: wait}\n");
  const std::string get = "GET / HTTP/1.1\r\nHost: h\r\n\r\n";
  std::vector<Connection> clients;
  for (int i = 0; i < 40; ++i) {
    clients.push_back(rig.proxy.connect());
    clients.back().send(get);
    if (i == 0) REQUIRE(eventually([&] { return rig.upstream.request_count() == 1; }));
  }
  CHECK_FALSE(clients[1].fill(100ms));
  rig.proxy.drain();
  CHECK(eventually([&] { return rig.upstream.request_count() == clients.size(); }));
  go = true;
  for (Connection& client : clients) CHECK(read_response(client).status == 200);
  CHECK(rig.proxy.wait() == 0);
}

TEST_CASE("an idle upstream connection of one worker makes room for a request of another") {
  Rig rig(scripts::ok(), "    limits: {max_connections: 1}\n", "", {"runtime.workers=4"});
  for (int i = 0; i < 16; ++i) CHECK(rig.proxy.get("/").status == 200);  // they go to the workers in turn
  CHECK(rig.upstream.connection_count() > 1);
  CHECK(rig.upstream.open_connections() <= 2);
}

TEST_CASE("a place among the concurrent requests is free again before the next request on the same connection") {
  Rig rig(scripts::ok(pattern(100000)), "    limits: {max_concurrent_requests: 1}\n");
  Connection client = rig.proxy.connect();
  for (int i = 0; i < 20; ++i) {
    client.send("GET / HTTP/1.1\r\nHost: h\r\n\r\n");
    CHECK(read_response(client).status == 200);
  }
}

TEST_CASE("requests beyond the upstream's limits are answered 503 ConcurrencyLimit") {
  for (const char* limits : {"    limits: {max_concurrent_requests: 1}\n", "    limits: {max_connections: 1}\n"}) {
    CAPTURE(limits);
    std::atomic<bool> go{false};
    Rig rig(
        [&](Call& call) {
          eventually([&] { return go.load() || call.stopping(); });
          call.send(response(200, "done"));
        },
        limits, "", {"runtime.workers=1"});
    Connection busy = rig.proxy.connect();
    busy.send("GET / HTTP/1.1\r\nHost: h\r\n\r\n");
    REQUIRE(eventually([&] { return rig.upstream.request_count() == 1; }));
    check_problem(rig.proxy.get("/"), 503, "ConcurrencyLimit", "connection_limit_reached");
    go = true;
    CHECK(read_response(busy).status == 200);
    CHECK(rig.proxy.get("/").status == 200);
    CHECK(rig.proxy.breaker().totals.failure == 0);
    CHECK(rig.proxy.breaker().totals.neutral == 0);
    CHECK(rig.proxy.breaker().totals.success == 2);
    CHECK(rig.upstream.request_count() == 2);
  }
}
