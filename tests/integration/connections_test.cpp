// SPDX-License-Identifier: Apache-2.0
// Keep-alive on both sides, pipelining, the pool, and connections that must not be used again.
#include <atomic>
#include <string>

#include "tests/support/rig.hpp"

using namespace fusewire::testing;

namespace {

const std::vector<std::string> kOneWorker = {"runtime.workers=1"};

std::string get(const std::string& target, const std::string& fields = {}) {
  return "GET " + target + " HTTP/1.1\r\nHost: h\r\n" + fields + "\r\n";
}

}  // namespace

TEST_CASE("pipelined requests are answered in order, one upstream exchange at a time") {
  std::atomic<int> running{0};
  std::atomic<int> most{0};
  Rig rig([&](Call& call) {
    most = std::max(most.load(), ++running);
    if (call.number() == 1) call.wait(50ms);
    --running;
    call.send(response(200, call.request().target));
  });
  Connection client = rig.proxy.connect();
  client.send(get("/1") + get("/2") + "POST /3 HTTP/1.1\r\nHost: h\r\nContent-Length: 2\r\n\r\nab" + get("/4"));
  for (const char* target : {"/1", "/2", "/3", "/4"}) CHECK(read_response(client).body == target);
  CHECK(most == 1);
}

TEST_CASE("pipelined requests go on behind one that fails, is refused here, or has no body") {
  Rig rig(
      [](Call& call) {
        call.read_body();
        if (call.request().target == "/fails") return call.connection().close();
        call.send(call.request().method == "HEAD" ? "HTTP/1.1 200 OK\r\nContent-Length: 99\r\n\r\n"
                                                  : response(200, call.request().target));
      },
      kNoBreaker, "    limits: {max_body: 1000}\n");
  Connection client = rig.proxy.connect();
  client.send(get("/1") + "POST /fails HTTP/1.1\r\nHost: h\r\nContent-Length: 2\r\n\r\nab" + get("/2") +
              "OPTIONS / HTTP/1.1\r\nHost: h\r\nMax-Forwards: 0\r\n\r\n" + "HEAD /3 HTTP/1.1\r\nHost: h\r\n\r\n" +
              get("/4"));
  CHECK(read_response(client).body == "/1");
  check_problem(read_response(client), 502, "UpstreamReset", "connection_terminated");
  CHECK(read_response(client).body == "/2");
  CHECK(read_response(client).has("Allow"));
  CHECK(read_response(client, "HEAD").field("Content-Length") == "99");
  CHECK(read_response(client).body == "/4");
}

TEST_CASE("what is pipelined behind Connection: close is not answered") {
  Rig rig;
  Connection client = rig.proxy.connect();
  client.send(get("/1", "Connection: close\r\n") + get("/2"));
  CHECK(read_response(client).field("Connection") == "close");
  CHECK(client.take_all() == "");
  CHECK(client.end() == End::eof);
  CHECK(rig.upstream.request_count() == 1);
}

TEST_CASE("a malformed request after a good one does not hurt the good one") {
  Rig rig;
  Connection client = rig.proxy.connect();
  client.send(get("/1") + "nonsense\r\n\r\n" + get("/3"));
  CHECK(read_response(client).status == 200);
  check_problem(read_response(client), 400, "BadRequest");
  CHECK(client.take_all() == "");
  CHECK(rig.upstream.request_count() == 1);
}

TEST_CASE("connections are kept on both sides and shared between clients") {
  Rig rig(scripts::ok(), "", "", kOneWorker);
  {
    Connection client = rig.proxy.connect();
    for (int i = 0; i < 20; ++i) {
      client.send(get("/"));
      CHECK(read_response(client).field("Connection") != "close");
    }
  }
  for (int i = 0; i < 5; ++i) CHECK(rig.proxy.get("/").status == 200);
  CHECK(rig.upstream.request_count() == 25);
  CHECK(rig.upstream.connection_count() == 1);
}

TEST_CASE("a client that asks for the end of the connection gets it, the upstream connection stays") {
  Rig rig(scripts::ok(), "", "", kOneWorker);
  for (int i = 0; i < 3; ++i) {
    Connection client = rig.proxy.connect();
    client.send(get("/", "Connection: close\r\n"));
    const Response reply = read_response(client);
    CHECK(reply.status == 200);
    CHECK(reply.field("Connection") == "close");
    CHECK(client.take_all() == "");
    CHECK(client.end() == End::eof);
  }
  CHECK(rig.upstream.connection_count() == 1);
}

TEST_CASE("an upstream connection that is announced to close is not used again") {
  Rig rig(scripts::ok(), "", "", kOneWorker);
  for (const char* raw : {"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\nhi",
                          "HTTP/1.0 200 OK\r\nContent-Length: 2\r\n\r\nhi"}) {
    CAPTURE(raw);
    rig.upstream.script(scripts::reply(raw));
    const std::size_t before = rig.upstream.connection_count();
    Connection client = rig.proxy.connect();
    for (int i = 0; i < 2; ++i) {
      client.send(get("/"));
      const Response reply = read_response(client);
      CHECK(reply.body == "hi");
      CHECK(reply.field("Connection") != "close");
    }
    CHECK(rig.upstream.connection_count() == before + 2);
  }
}

TEST_CASE("an idempotent request on a kept connection that turns out closed is sent once more") {
  for (const bool by_reset : {false, true}) {
    CAPTURE(by_reset);
    Rig rig(scripts::in_turn({scripts::ok(), by_reset ? scripts::reset() : scripts::cut(), scripts::ok("again")}), "",
            "", kOneWorker);
    CHECK(rig.proxy.get("/").status == 200);
    CHECK(rig.proxy.get("/").body == "again");
    CHECK(rig.upstream.request_count() == 3);
    CHECK(rig.upstream.connection_count() == 2);
    CHECK(rig.proxy.breaker().totals.failure == 0);
    CHECK(rig.proxy.breaker().totals.success == 2);
  }
}

TEST_CASE("an idempotent request with a small body is sent once more with the same body") {
  Rig rig(scripts::in_turn({scripts::ok(), scripts::cut(), scripts::echo()}), "", "", kOneWorker);
  CHECK(rig.proxy.get("/").status == 200);
  CHECK(rig.proxy.request("PUT", "/", "", "the body").body == "the body");
}

TEST_CASE("a request that is not idempotent is never sent twice") {
  Rig rig(scripts::in_turn({scripts::ok(), scripts::cut(), scripts::ok("again")}), "", "", kOneWorker);
  CHECK(rig.proxy.get("/").status == 200);
  check_problem(rig.proxy.request("POST", "/", "", "pay"), 502, "UpstreamReset", "connection_terminated");
  CHECK(rig.upstream.request_count() == 2);
  CHECK(rig.proxy.breaker().totals.failure == 1);
}

TEST_CASE("an idempotent request whose body is not wholly in memory is not sent twice") {
  Rig rig(scripts::in_turn({scripts::ok(), scripts::cut(), scripts::ok("again")}), "", "", kOneWorker);
  CHECK(rig.proxy.get("/").status == 200);
  check_problem(rig.proxy.request("PUT", "/", "", pattern(300'000)), 502, "UpstreamReset", "connection_terminated");
  CHECK(rig.upstream.request_count() == 2);
  CHECK(rig.proxy.breaker().totals.failure == 1);
}

TEST_CASE("a request whose response has begun is not sent twice") {
  for (const char* begun : {"H", "HTTP/1.1 103 Early Hints\r\n\r\n", "HTTP/1.1 200 OK\r\nContent-Len"}) {
    CAPTURE(begun);
    Rig rig(scripts::in_turn({scripts::ok(), scripts::cut(begun), scripts::ok("again")}), kOneTry, "", kOneWorker);
    CHECK(rig.proxy.get("/").status == 200);
    check_problem(rig.proxy.get("/"), 502, "UpstreamReset", "connection_terminated");
    CHECK(rig.upstream.request_count() == 2);
  }
}

TEST_CASE("a request on a fresh connection that is closed is not sent twice") {
  Rig rig(scripts::in_turn({scripts::cut(), scripts::ok()}), kOneTry);
  check_problem(rig.proxy.get("/"), 502, "UpstreamReset", "connection_terminated");
  CHECK(rig.upstream.request_count() == 1);
}

TEST_CASE("bytes after a complete response are never the next response") {
  const std::string smuggled = response(200, "evil");
  Rig rig(scripts::reply(response(200, "good") + smuggled), "", "", kOneWorker);
  Connection client = rig.proxy.connect();
  for (std::size_t i = 1; i <= 3; ++i) {
    client.send(get("/"));
    CHECK(read_response(client).body == "good");
    CHECK(client.buffered() == "");
    CHECK(rig.upstream.connection_count() == i);
  }
}

TEST_CASE("bytes after a response without a body, or after a chunked one, are never the next response") {
  const std::string smuggled = response(200, "evil");
  struct Answer {
    const char* method;
    std::string bytes;
  };
  for (const Answer& answer : std::vector<Answer>{
           {"HEAD", "HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n" + smuggled},
           {"HEAD", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n"},
           {"GET", "HTTP/1.1 204 No Content\r\nContent-Length: 5\r\n\r\nhello"},
           {"GET", "HTTP/1.1 304 Not Modified\r\nContent-Length: 5\r\n\r\nhello"},
           {"GET", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n" + smuggled},
           {"GET", "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n\r\n"},
       }) {
    CAPTURE(answer.bytes);
    Rig rig(scripts::in_turn({scripts::reply(answer.bytes), scripts::ok("good")}), "", "", kOneWorker);
    Connection client = rig.proxy.connect();
    client.send(std::string(answer.method) + " / HTTP/1.1\r\nHost: h\r\n\r\n");
    CHECK(read_response(client, answer.method).complete);
    CHECK(client.buffered() == "");
    client.send(get("/"));
    CHECK(read_response(client).body == "good");
    CHECK(rig.upstream.connection_count() == 2);
  }
}

TEST_CASE("bytes that come while an upstream connection is idle are never the next response") {
  std::atomic<bool> unasked{false};
  Rig rig(
      [&](Call& call) {
        call.send(response(200, "good"));
        if (call.number() > 1) return;
        call.wait(20ms);
        call.send(response(200, "evil"));
        unasked = true;
      },
      "", "", kOneWorker);
  CHECK(rig.proxy.get("/").body == "good");
  REQUIRE(eventually([&] { return unasked.load(); }));
  CHECK(rig.proxy.get("/").body == "good");
  CHECK(rig.proxy.get("/").body == "good");
}

TEST_CASE("an upstream that was restarted meets a fresh connection, and no failure is counted") {
  Rig rig(scripts::ok(), "", "", kOneWorker);
  for (int i = 0; i < 3; ++i) {
    CHECK(rig.proxy.get("/").status == 200);
    rig.upstream.kill();
    rig.upstream.start();
  }
  CHECK(rig.proxy.get("/").status == 200);
  CHECK(rig.proxy.breaker().totals.failure == 0);
}

TEST_CASE("a request that is not idempotent is sent once more when nothing of it had been sent") {
  Rig rig(scripts::ok(), "", "", kOneWorker);
  CHECK(rig.proxy.get("/").status == 200);
  rig.upstream.kill();
  rig.upstream.start();
  CHECK(rig.proxy.request("POST", "/", "", "pay").status == 200);
  CHECK(rig.upstream.request_count() == 2);
  CHECK(rig.proxy.breaker().totals.failure == 0);
}

TEST_CASE("many clients at once are all served") {
  Rig rig(scripts::echo());
  std::vector<std::thread> clients;
  std::atomic<int> right{0};
  for (int i = 0; i < 16; ++i)
    clients.emplace_back([&rig, &right, i] {
      const std::string body = std::to_string(i) + pattern(1000);
      for (int n = 0; n < 20; ++n) right += rig.proxy.request("PUT", "/", "", body).body == body ? 1 : 0;
    });
  for (auto& client : clients) client.join();
  CHECK(right == 320);
}
