// SPDX-License-Identifier: Apache-2.0
// Signals, and how they go with a drain that the admin has begun (docs/reference.md, "Signals").
#include <signal.h>

#include <atomic>
#include <string>

#include "tests/support/rig.hpp"
#include "tests/support/running.hpp"

using namespace fusewire::testing;

namespace {

// A process with a token, and one request that is being served until `go`.
struct Serving {
  explicit Serving(const std::string& lines = {})
      : upstream([this](Call& call) {
          eventually([&] { return go.load() || call.stopping(); });
          call.send(response(200, "done"));
        }),
        process({"run", "-c",
                 folder.write("fusewire.yaml",
                              "listen: 127.0.0.1:" + std::to_string(data.number()) +
                                  "\nadmin: {address: \"127.0.0.1:" + std::to_string(admin.number()) +
                                  "\", token: secret}\nupstreams:\n  orders:\n    endpoints: [\"http://127.0.0.1:" +
                                  std::to_string(upstream.port()) + "\"]\n" + lines)}) {
    REQUIRE(eventually([&] { return ready() == 200; }));
    client = std::make_unique<Connection>(Connection::to(data.number()));
    client->send("GET / HTTP/1.1\r\nHost: h\r\n\r\n");
    REQUIRE(eventually([&] { return upstream.request_count() == 1; }));
  }

  int call_admin(const std::string& line, const std::string& fields = {}) const {
    try {
      Connection connection = Connection::to(admin.number());
      connection.send(line + " HTTP/1.1\r\nHost: localhost\r\n" + fields + "\r\n");
      return read_response(connection).status;
    } catch (const std::system_error&) {
      return 0;
    }
  }
  int ready() const { return call_admin("GET /admin/ready"); }
  int drain() const { return call_admin("POST /admin/drain", "Authorization: Bearer secret\r\nContent-Length: 0\r\n"); }
  void check_finishes() {
    go = true;
    CHECK(read_response(*client).body == "done");
    CHECK(process.wait() == 0);
  }

  std::atomic<bool> go{false};
  ScriptedUpstream upstream;
  ReservedPort data, admin;
  TemporaryFolder folder;
  Process process;
  std::unique_ptr<Connection> client;
};

}  // namespace

TEST_CASE("process: the first SIGTERM after a drain by the admin cuts nothing off, the second ends it at once") {
  for (const bool second : {false, true}) {
    CAPTURE(second);
    Serving serving("shutdown: {drain_timeout: 10m}\n");
    REQUIRE(serving.drain() < 300);
    REQUIRE(eventually([&] { return serving.ready() == 503; }));
    serving.process.signal(SIGTERM);
    CHECK_FALSE(serving.process.wait(300ms).has_value());
    CHECK_FALSE(serving.client->ended(0ms));
    if (!second) {
      serving.check_finishes();
      continue;
    }
    serving.process.signal(SIGTERM);
    CHECK(serving.process.wait() == 0);
    CHECK(serving.client->ended());
  }
}

TEST_CASE("process: SIGQUIT drains as SIGTERM does, a second signal of either kind ends it at once") {
  for (const bool second : {false, true}) {
    CAPTURE(second);
    Serving serving("shutdown: {drain_timeout: 10m}\n");
    serving.process.signal(SIGQUIT);
    REQUIRE(eventually([&] { return serving.ready() == 503; }));
    CHECK_FALSE(serving.process.wait(100ms).has_value());
    if (!second) {
      serving.check_finishes();
      continue;
    }
    serving.process.signal(SIGTERM);
    CHECK(serving.process.wait() == 0);
  }
}

TEST_CASE("process: SIGUSR1 and SIGUSR2 do nothing") {
  Serving serving;
  for (const int number : {SIGUSR1, SIGUSR2, SIGUSR1}) serving.process.signal(number);
  CHECK_FALSE(serving.process.wait(200ms).has_value());
  CHECK(serving.ready() == 200);
  serving.process.signal(SIGTERM);
  serving.check_finishes();
}
