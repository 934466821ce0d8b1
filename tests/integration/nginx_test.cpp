// SPDX-License-Identifier: Apache-2.0
// Against a real nginx: the same bytes as without the proxy, and what happens when it is killed, stopped, restarted.
#include <string>

#include "tests/support/real_nginx.hpp"
#include "tests/support/rig.hpp"

using namespace fusewire::testing;

namespace {

constexpr std::size_t kSizes[] = {0, 1, 1024 * 1024};

std::string at(const RealNginx& nginx, const std::string& lines = {}) {
  return "listen: 127.0.0.1:0\nupstreams:\n  orders:\n    endpoints: [\"http://127.0.0.1:" +
         std::to_string(nginx.port()) + "\"]\n" + lines;
}

std::string fresh_head(Response reply) {
  std::string kept;
  for (const auto& [name, value] : reply.fields)
    if (name != "Date" && name != "Connection" && name != "X-Request-Id") kept += name + ": " + value + "\n";
  return reply.start_line + "\n" + kept;
}

Response direct(const RealNginx& nginx, const std::string& target) {
  Connection client = Connection::to(nginx.port());
  client.send("GET " + target + " HTTP/1.1\r\nHost: localhost\r\n\r\n");
  return read_response(client);
}

}  // namespace

TEST_CASE("nginx: a download through the proxy is what it is without the proxy") {
  RealNginx nginx;
  TestProxy proxy(at(nginx));
  for (const std::size_t size : kSizes) {
    CAPTURE(size);
    const std::string body = pattern(size);
    nginx.write_file("file", body);
    const Response without = direct(nginx, "/file");
    const Response with = proxy.get("/file");
    CHECK(with.status == 200);
    CHECK(with.complete);
    CHECK((with.body == body));
    CHECK((with.body == without.body));
    CHECK(fresh_head(with) == fresh_head(without));
  }
  CHECK(proxy.get("/file", "Range: bytes=10-19\r\n").body == pattern(kSizes[2]).substr(10, 10));
  CHECK(proxy.get("/nothing").status == 404);
}

TEST_CASE("nginx: an upload arrives byte for byte, with Content-Length and chunked") {
  RealNginx nginx;
  TestProxy proxy(at(nginx));
  Connection client = proxy.connect();
  for (const std::size_t size : kSizes) {
    CAPTURE(size);
    const std::string body = pattern(size);
    const std::string length = "Content-Length: " + std::to_string(size);
    client.send("PUT /upload/counted HTTP/1.1\r\nHost: h\r\n" + length + "\r\n\r\n" + body);
    CHECK(read_response(client, "PUT").status / 100 == 2);
    CHECK((nginx.read_file("upload/counted") == body));
    client.send("PUT /upload/chunked HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n" + chunked(body, 9999));
    CHECK(read_response(client, "PUT").status / 100 == 2);
    CHECK((nginx.read_file("upload/chunked") == body));
  }
}

TEST_CASE("nginx: killed, it is refused five times, then the circuit is open; started again, it closes by itself") {
  RealNginx nginx;
  nginx.write_file("file", "alive");
  TestProxy proxy(at(nginx,
                     "    circuit_breaker: {transitions: {open_timeout: 300ms, backoff: {jitter: 0}}}\n"
                     "    fallback: {chain: []}\n"));
  CHECK(proxy.get("/file").body == "alive");
  nginx.kill();
  for (int i = 0; i < 5; ++i) check_problem(proxy.get("/file"), 502, "ConnectFailed", "connection_refused");
  check_problem(proxy.get("/file"), 503, "CircuitBreakerOpen", "destination_unavailable");
  nginx.start();
  CHECK(eventually([&] { return proxy.get("/file").body == "alive" && proxy.state() == "closed"; }));
}

TEST_CASE("nginx: stopped, it is answered 504 in time, then the circuit is open; continued, it closes by itself") {
  RealNginx nginx;
  nginx.write_file("file", "alive");
  TestProxy proxy(at(nginx,
                     "    circuit_breaker: {transitions: {open_timeout: 300ms, backoff: {jitter: 0}}}\n"
                     "    timeouts: {response: 200ms}\n    fallback: {chain: []}\n"));
  CHECK(proxy.get("/file").body == "alive");
  nginx.stop();
  for (int i = 0; i < 5; ++i) check_problem(proxy.get("/file"), 504, "ResponseTimeout", "http_response_timeout");
  check_problem(proxy.get("/file"), 503, "CircuitBreakerOpen", "destination_unavailable");
  nginx.resume();
  CHECK(eventually([&] { return proxy.get("/file").body == "alive" && proxy.state() == "closed"; }));
}

TEST_CASE("nginx: while it is down its files come from the cache") {
  RealNginx nginx;
  nginx.write_file("file", "remembered");
  TestProxy proxy(at(nginx, "    fallback: {chain: [{cache: {max_stale: 10m}}]}\n"));
  const Response live = proxy.get("/file");
  CHECK(live.body == "remembered");
  nginx.kill();
  for (int i = 0; i < 5; ++i) CHECK(proxy.get("/file").body == "remembered");
  const Response stale = proxy.get("/file");
  CHECK(stale.status == 200);
  CHECK(stale.body == "remembered");
  CHECK(stale.field("ETag") == live.field("ETag"));
  CHECK(stale.has("Age"));
  CHECK(parameter(stale.field("Cache-Status"), "detail") == "circuit-open");
}
