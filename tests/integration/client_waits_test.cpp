// SPDX-License-Identifier: Apache-2.0
// Clients that keep their upstream waiting: what it does then is not held against it, and they hold no half-open.
#include <string>
#include <vector>

#include "tests/support/rig.hpp"

using namespace fusewire::testing;

namespace {

constexpr auto kGivesUp = 1500ms;  // an upstream that waits for its client
constexpr const char* kUpload = "POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 1000\r\n\r\nthe beginning";
constexpr const char* kGet = "GET / HTTP/1.1\r\nHost: h\r\n\r\n";

// Half-open at once with one slot, closed by one success.
constexpr const char* kOneTrial =
    "    circuit_breaker: {transitions: {open_timeout: 50ms, backoff: {jitter: 0}}, "
    "recovery: {half_open_max_calls: 3, success_threshold: 1}}\n";

std::vector<Connection> clients(Rig& rig, std::size_t count, const std::string& bytes) {
  const std::size_t before = rig.upstream.request_count();
  std::vector<Connection> all;
  for (std::size_t i = 0; i < count; ++i) {
    all.push_back(rig.proxy.connect());
    all.back().send(bytes);
  }
  REQUIRE(eventually([&] { return rig.upstream.request_count() == before + count; }));
  return all;
}

// More than any kernel takes before its reader does.
void send_much(Call& call, milliseconds until) {
  static const std::string kPiece(1024 * 1024, 'x');
  call.send("HTTP/1.1 200 OK\r\nContent-Length: 1000000000\r\n\r\n");
  for (int i = 0; i < 900; ++i)
    if (!call.connection().send(kPiece, until)) return;
}

void open_the_breaker(Rig& rig) {
  rig.upstream.script(scripts::status(500));
  for (int i = 0; i < 5; ++i) REQUIRE(rig.proxy.get("/").status == 500);
  REQUIRE(rig.proxy.state() == "open");
  REQUIRE(eventually([&] { return rig.proxy.breaker().open_remaining == 0ms; }));
}

}  // namespace

TEST_CASE("eight slow uploads whose upstream gives up open nothing") {
  const std::pair<std::string, Script> ways[] = {
      {"FIN",
       [](Call& call) {
         call.wait(kGivesUp);
         call.connection().close();
       }},
      {"RST",
       [](Call& call) {
         call.wait(kGivesUp);
         call.connection().reset();
       }},
      {"408",
       [](Call& call) {
         call.wait(kGivesUp);
         call.send(response(408, "too slow", "Connection: close\r\n"));
       }},
  };
  for (const auto& way : ways) {
    CAPTURE(way.first);
    Rig rig(way.second);
    auto slow = clients(rig, 8, kUpload);
    for (Connection& client : slow) CHECK(read_response(client, "POST").status >= 400);
    CHECK(eventually([&] { return rig.proxy.breaker().totals.neutral == 8; }));
    CHECK(rig.proxy.breaker().totals.failure == 0);
    CHECK(rig.proxy.breaker().totals.success == 0);
    CHECK(rig.proxy.state() == "closed");
  }
}

TEST_CASE("uploads that drip are slow uploads") {
  Rig rig([](Call& call) {
    const auto until = std::chrono::steady_clock::now() + kGivesUp;
    while (std::chrono::steady_clock::now() < until && !call.stopping()) call.connection().fill(100ms);
    call.connection().reset();
  });
  auto slow = clients(rig, 6, kUpload);
  Connection silent = rig.proxy.connect();
  for (int i = 0; i < 100 && rig.proxy.breaker().totals.neutral < 6; ++i) {
    for (Connection& client : slow) client.send("x");
    silent.ended(50ms);
  }
  CHECK(eventually([&] { return rig.proxy.breaker().totals.neutral == 6; }));
  CHECK(rig.proxy.breaker().totals.failure == 0);
}

TEST_CASE("uploads in pieces that come too slowly for their upstream are slow uploads") {
  Rig rig([](Call& call) {
    const auto until = std::chrono::steady_clock::now() + 2s;
    while (std::chrono::steady_clock::now() < until && !call.stopping()) call.connection().fill(100ms);
    call.connection().reset();
  });
  auto slow = clients(rig, 6, "POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 10000000\r\n\r\nthe beginning");
  Connection silent = rig.proxy.connect();
  const std::string piece(200, 'x');
  for (int i = 0; i < 100 && rig.proxy.breaker().totals.neutral < 6; ++i) {
    for (Connection& client : slow) client.send(piece);
    silent.ended(100ms);
  }
  CHECK(eventually([&] { return rig.proxy.breaker().totals.neutral == 6; }));
  CHECK(rig.proxy.breaker().totals.failure == 0);
}

TEST_CASE("an error that an upstream makes of an upload that does not come is not its failure") {
  Rig rig([](Call& call) {
    call.wait(kGivesUp);
    call.send(response(500, "no body", "Connection: close\r\n"));
  });
  auto slow = clients(rig, 6, kUpload);
  for (Connection& client : slow) CHECK(read_response(client, "POST").status == 500);
  CHECK(eventually([&] { return rig.proxy.breaker().totals.neutral == 6; }));
  CHECK(rig.proxy.state() == "closed");
}

TEST_CASE("an upstream that breaks an upload which does not keep it waiting has failed") {
  Rig rig([](Call& call) { call.connection().reset(); });
  auto slow = clients(rig, 1, kUpload);
  CHECK(read_response(slow[0], "POST").status == 502);
  CHECK(rig.proxy.breaker().totals.failure == 1);
}

TEST_CASE("eight slow readers whose upstream gives up open nothing") {
  Rig rig([](Call& call) {
    send_much(call, kGivesUp);
    call.connection().reset();
  });
  auto slow = clients(rig, 8, kGet);
  REQUIRE(eventually([&] { return rig.upstream.open_connections() == 0; }));
  for (Connection& client : slow)
    while (client.fill()) client.take(client.buffered().size());
  CHECK(eventually([&] { return rig.proxy.breaker().totals.neutral == 8; }));
  CHECK(rig.proxy.breaker().totals.failure == 0);
  CHECK(rig.proxy.state() == "closed");
}

TEST_CASE("a steady upload is no slow one: an upstream that breaks it has failed") {
  Rig rig(
      [](Call& call) {
        for (int pieces = 0; pieces < 15 && call.connection().fill(); ++pieces) call.connection().take(1'000'000, 0ms);
        call.connection().reset();
      },
      "    circuit_breaker: {detection: {consecutive_failures: {threshold: 50}}}\n");
  auto steady = clients(rig, 2, "POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 10000000\r\n\r\nthe beginning");
  Connection silent = rig.proxy.connect();
  const std::string piece(20'000, 'x');
  for (int i = 0; i < 100 && rig.upstream.open_connections() > 0; ++i) {
    for (Connection& client : steady) client.send(piece);
    silent.ended(100ms);
  }
  CHECK(eventually([&] { return rig.proxy.breaker().totals.failure == 2; }));
}

TEST_CASE("three uploads that go on and on do not hold the half-open, and are judged") {
  Rig rig(scripts::ok(), kOneTrial);
  open_the_breaker(rig);
  rig.upstream.script([](Call& call) {
    if (call.request().method == "GET") return void(call.send(response(200, "back")));
    while (!call.stopping() && call.connection().fill()) call.connection().take(call.connection().buffered().size());
  });
  const std::size_t before = rig.upstream.request_count();
  std::vector<Connection> endless;
  for (int i = 0; i < 3; ++i) {
    endless.push_back(rig.proxy.connect());
    endless.back().send("POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n");
  }
  REQUIRE(eventually([&] { return rig.upstream.request_count() == before + 3; }));
  REQUIRE(rig.proxy.state() == "half_open");
  const std::string piece = "c350\r\n" + std::string(50'000, 'x') + "\r\n";
  const auto goes_on = [&] {
    for (Connection& client : endless) client.send(piece);
    return rig.proxy.breaker().half_open.in_flight == 0;
  };
  CHECK(eventually(goes_on));
  CHECK(rig.proxy.state() == "half_open");
  CHECK(rig.proxy.get("/").body == "back");
  CHECK(rig.proxy.state() == "closed");
}

TEST_CASE("three dribbling uploads do not hold the half-open") {
  Rig rig(scripts::ok(), kOneTrial);
  open_the_breaker(rig);
  rig.upstream.script(scripts::ok("back"));
  auto slow = clients(rig, 3, kUpload);
  REQUIRE(rig.proxy.state() == "half_open");
  const auto dribbles = [&] {
    for (Connection& client : slow) client.send("x");
    return rig.proxy.breaker().half_open.in_flight == 0;
  };
  CHECK(eventually(dribbles));
  CHECK(rig.proxy.state() == "half_open");
  CHECK(rig.proxy.get("/").body == "back");
  CHECK(rig.proxy.state() == "closed");
  slow[0].send(std::string(1000, 'x'));  // it went on all the while
  CHECK(read_response(slow[0], "POST").body == "back");
}

TEST_CASE("clients that leave and come again do not hold the half-open") {
  Rig rig(scripts::ok(), kOneTrial);
  open_the_breaker(rig);
  rig.upstream.script([](Call& call) {
    if (call.request().target == "/slow") return call.hang();
    call.send(response(200, "back"));
  });
  for (int times = 0; times < 5; ++times) {
    Connection impatient = rig.proxy.connect();
    impatient.send("GET /slow HTTP/1.1\r\nHost: h\r\n\r\n");
    REQUIRE(eventually([&] { return rig.proxy.breaker().half_open.in_flight == 1; }));
    impatient.close();
    REQUIRE(eventually([&] { return rig.proxy.breaker().half_open.in_flight == 0; }));
  }
  Connection again = rig.proxy.connect();
  again.send("GET /slow HTTP/1.1\r\nHost: h\r\n\r\n");
  REQUIRE(eventually([&] { return rig.proxy.breaker().half_open.in_flight == 1; }));
  CHECK(rig.proxy.get("/fast").body == "back");
  CHECK(rig.proxy.state() == "closed");
}

TEST_CASE("three slow readers do not hold the half-open") {
  Rig rig(scripts::ok(), kOneTrial);
  open_the_breaker(rig);
  rig.upstream.script([](Call& call) { send_much(call, 20s); });
  auto slow = clients(rig, 3, kGet);
  CHECK(eventually([&] { return rig.proxy.breaker().half_open.in_flight == 0; }));
  CHECK(rig.proxy.state() == "half_open");
  rig.upstream.script(scripts::ok("back"));
  CHECK(rig.proxy.get("/").body == "back");
  CHECK(rig.proxy.state() == "closed");
}
