// SPDX-License-Identifier: Apache-2.0
// timeouts.total and the request's body: it stands still while the body makes progress.
#include <string>

#include "tests/support/rig.hpp"

using namespace fusewire::testing;

namespace {

// `count` bytes, one every 50 ms.
void drip(Connection& client, int count) {
  for (int i = 0; i < count; ++i) {
    client.ended(50ms);
    client.send("x");
  }
}

}  // namespace

TEST_CASE("a steady upload is not cut off at the total timeout") {
  Rig rig(scripts::echo(), "    timeouts: {total: 1s}\n");
  Connection client = rig.proxy.connect();
  client.send("POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 40\r\n\r\n");
  drip(client, 40);
  const Response reply = read_response(client, "POST");
  CHECK(reply.status == 200);
  CHECK(reply.body == std::string(40, 'x'));
}

TEST_CASE("a large upload to an upstream that takes it slowly is not cut off at the total timeout") {
  Rig rig(
      [](Call& call) {
        for (int i = 0; i < 100; ++i) {
          eventually([&] { return call.stopping(); }, 20ms);
          call.connection().take(512 * 1024);
        }
        call.send(response(200, "all of it"));
      },
      "    timeouts: {total: 1s}\n");
  const std::string body(100 * 512 * 1024, 'x');
  CHECK(rig.proxy.request("POST", "/", "", body).body == "all of it");
}

TEST_CASE("the total timeout runs on when the body has been sent") {
  Rig rig(scripts::hang(), "    timeouts: {total: 300ms, response: 20s}\n");
  Connection client = rig.proxy.connect();
  client.send("POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 10\r\n\r\n");
  drip(client, 10);
  Response reply;
  CHECK(time_of([&] { reply = read_response(client, "POST"); }) < 10s);
  check_problem(reply, 504, "TotalTimeout", "http_response_timeout");
  CHECK(rig.proxy.breaker().totals.failure == 1);
}

TEST_CASE("an upload that stands still ends at the total timeout by its client's fault") {
  Rig rig(scripts::ok(), "    timeouts: {total: 300ms}\n");
  Connection client = rig.proxy.connect();
  client.send("POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 10\r\n\r\nhello");
  check_problem(read_response(client, "POST"), 408, "RequestTimeout");
  CHECK(eventually([&] { return rig.proxy.breaker().totals.neutral == 1; }));
}
