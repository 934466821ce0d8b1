// SPDX-License-Identifier: Apache-2.0
// Fallback: what the client gets instead of an error, and how it can tell.
#include <ctime>
#include <string>

#include "tests/support/reserved_port.hpp"
#include "tests/support/rig.hpp"

using namespace fusewire::testing;

namespace {

constexpr const char* kFresh = "Cache-Control: max-age=600\r\nETag: \"v1\"\r\n";

void remember(Rig& rig, const std::string& body, const std::string& fields, const std::string& target = "/") {
  rig.upstream.script(scripts::reply(response(200, body, fields)));
  const Response reply = rig.proxy.get(target);
  REQUIRE(reply.status == 200);
  REQUIRE_FALSE(reply.has("Cache-Status"));
}

std::string http_date(std::time_t time) {
  std::tm parts{};
  ::gmtime_r(&time, &parts);
  char text[64];
  return {text, std::strftime(text, sizeof text, "%a, %d %b %Y %H:%M:%S GMT", &parts)};
}

void force_open(Rig& rig) {
  REQUIRE(rig.proxy.admin_change("/admin/circuit-breakers/orders/force-open").status == 200);
}

double executions(const Rig& rig, const std::string& type, const std::string& result) {
  return rig.proxy.metric("circuit_breaker_fallback_executions_total{name=\"orders\",type=\"" + type + "\",result=\"" +
                          result + "\"}");
}

}  // namespace

TEST_CASE("a late timeout can still be answered from the cache") {
  Rig rig(scripts::ok(), "    timeouts: {total: 400ms}\n");
  remember(rig, "remembered", kFresh);
  rig.upstream.script(scripts::hang());
  const Response reply = rig.proxy.get("/");
  CHECK(reply.status == 200);
  CHECK(reply.body == "remembered");
  CHECK(parameter(reply.field("Cache-Status"), "detail") == "timeout");
}

TEST_CASE("while the breaker is open a remembered response is served, with its age") {
  Rig rig;
  const std::string date = http_date(std::time(nullptr) - 5);
  remember(rig, "remembered", std::string(kFresh) + "Age: 7\r\nDate: " + date + "\r\nX-Own: 1\r\n");
  force_open(rig);
  const Response reply = rig.proxy.get("/");
  CHECK(reply.status == 200);
  CHECK(reply.body == "remembered");
  CHECK(reply.field("X-Own") == "1");
  CHECK(reply.field("Date") == date);
  CHECK(reply.all("Age").size() == 1);
  CHECK(std::stol(reply.field("Age")) >= 7);
  const std::string status = reply.field("Cache-Status");
  CAPTURE(status);
  CHECK(status.rfind("fusewire; hit; ttl=", 0) == 0);
  CHECK(parameter(status, "detail") == "circuit-open");
  CHECK(rig.upstream.request_count() == 1);
  CHECK(executions(rig, "cache", "hit") == 1);
}

TEST_CASE("a stale response that its origin allows on errors is served with its negative ttl") {
  Rig rig;
  remember(rig, "old", "Cache-Control: max-age=58, stale-if-error=600\r\nAge: 100\r\n");
  force_open(rig);
  const Response reply = rig.proxy.get("/");
  CHECK(reply.status == 200);
  CHECK(reply.body == "old");
  CHECK(std::stol(reply.field("Age")) >= 100);
  const std::string status = reply.field("Cache-Status");
  CAPTURE(status);
  CHECK(status.rfind("fusewire; hit; ttl=-", 0) == 0);
  CHECK(std::stol(parameter(status, "ttl")) <= -42);
  CHECK(std::stol(parameter(status, "ttl")) > -42 - 60);
  CHECK(std::stol(parameter(status, "ttl")) == 58 - std::stol(reply.field("Age")));
}

TEST_CASE("after a failed attempt the cache tells what failed") {
  struct Failure {
    const char* detail;
    const char* fwd_status;
    Script script;
  };
  Rig rig(scripts::ok(), "    timeouts: {response: 200ms}\n");
  remember(rig, "old", "Cache-Control: max-age=58, stale-if-error=600\r\nAge: 100\r\n");
  for (const Failure& failure : {Failure{"timeout", "504", scripts::hang()}, Failure{"reset", "502", scripts::reset()},
                                 Failure{"protocol-error", "502", scripts::reply("garbage\r\n\r\n")},
                                 Failure{"status", "503", scripts::status(503)}}) {
    CAPTURE(failure.detail);
    rig.upstream.script(failure.script);
    const Response reply = rig.proxy.get("/");
    CHECK(reply.status == 200);
    CHECK(reply.body == "old");
    const std::string status = reply.field("Cache-Status");
    CAPTURE(status);
    CHECK(status.rfind("fusewire; fwd=stale; fwd-status=" + std::string(failure.fwd_status) + "; ttl=-", 0) == 0);
    CHECK(parameter(status, "detail") == failure.detail);
  }
  CHECK(rig.proxy.breaker().totals.failure == 4);
}

TEST_CASE("a killed upstream is answered from the cache: first as a connect error, then as an open circuit") {
  Rig rig;
  remember(rig, "remembered", kFresh);
  rig.upstream.kill();
  for (int i = 0; i < 5; ++i) {
    const Response reply = rig.proxy.get("/");
    CHECK(reply.body == "remembered");
    CHECK(parameter(reply.field("Cache-Status"), "detail") == "connect-error");
  }
  CHECK(parameter(rig.proxy.get("/").field("Cache-Status"), "detail") == "circuit-open");
  CHECK(rig.proxy.get("/another").status == 503);
}

TEST_CASE("what its origin forbids to serve stale is not served") {
  for (const char* directive :
       {"must-revalidate", "proxy-revalidate", "s-maxage=58", "no-store", "private", "no-cache"}) {
    CAPTURE(directive);
    Rig rig(scripts::ok(), "    fallback: {chain: [{cache: {max_stale: 1h}}]}\n");
    remember(rig, "old",
             "Cache-Control: max-age=58, stale-if-error=600, " + std::string(directive) + "\r\nAge: 100\r\n");
    force_open(rig);
    check_problem(rig.proxy.get("/"), 503, "CircuitBreakerOpen", "destination_unavailable");
    CHECK(executions(rig, "cache", "miss") == 1);
  }
}

TEST_CASE("max_stale is the operator's word where the origin says nothing") {
  Rig strict, lenient(scripts::ok(), "    fallback: {chain: [{cache: {max_stale: 1h}}]}\n");
  for (Rig* rig : {&strict, &lenient}) {
    remember(*rig, "old", "Cache-Control: max-age=58\r\nAge: 100\r\n");
    force_open(*rig);
  }
  CHECK(strict.proxy.get("/").status == 503);
  CHECK(lenient.proxy.get("/").body == "old");
}

TEST_CASE("with max_stale a response that says nothing of its freshness is the last good answer") {
  Rig rig(scripts::ok(), "    fallback: {chain: [{cache: {max_stale: 10m}}]}\n");
  remember(rig, "first", "Content-Type: application/json\r\n");
  remember(rig, "second", "Content-Type: application/json\r\nETag: \"1\"\r\n");
  remember(rig, "second", "ETag: \"1\"\r\nX-New: 1\r\n");  // the stored bytes, with newer fields
  CHECK(rig.proxy.metric("fusewire_cache_events_total{upstream=\"orders\",event=\"store\"}") == 2);
  CHECK(rig.proxy.metric("fusewire_cache_events_total{upstream=\"orders\",event=\"refresh\"}") == 1);
  force_open(rig);
  const Response reply = rig.proxy.get("/");
  CHECK(reply.status == 200);
  CHECK(reply.body == "second");
  CHECK(reply.field("X-New") == "1");
  CHECK(std::stol(parameter(reply.field("Cache-Status"), "ttl")) <= 0);
}

TEST_CASE("with max_stale, too, what is forbidden or may be about one client is not remembered") {
  Rig rig(scripts::ok(), "    fallback: {chain: [{cache: {max_stale: 10m}}]}\n");
  const auto asked = [&](const std::string& fields, const std::string& request_fields) {
    rig.upstream.script(scripts::reply(response(200, "mine", fields)));
    REQUIRE(rig.proxy.admin_change("/admin/circuit-breakers/orders/release").status == 200);
    REQUIRE(rig.proxy.get("/", request_fields).status == 200);
    force_open(rig);
    return rig.proxy.get("/").status;
  };
  CHECK(asked("", "Cookie: a=b\r\n") == 503);
  CHECK(asked("", "Authorization: Basic x\r\n") == 503);
  CHECK(asked("", "Cache-Control: no-store\r\n") == 503);
  for (const char* fields : {"Cache-Control: no-store\r\n", "Cache-Control: private\r\n", "Cache-Control: no-cache\r\n",
                             "Set-Cookie: a=b\r\n", "Vary: *\r\n"})
    CHECK(asked(fields, "") == 503);
  CHECK(asked("", "") == 200);
}

TEST_CASE("request_directives: ignore lets a fallback answer requests that ask for something fresher") {
  for (const bool ignore : {false, true}) {
    Rig rig(scripts::ok(), std::string("    fallback: {chain: [{cache: {max_stale: 10m}}]}\n    cache: "
                                       "{request_directives: ") +
                               (ignore ? "ignore" : "honour") + "}\n");
    remember(rig, "remembered", "");
    force_open(rig);
    for (const char* fields : {"Cache-Control: no-cache\r\n", "Cache-Control: max-age=0\r\n", "Pragma: no-cache\r\n",
                               "Cache-Control: min-fresh=5\r\n"}) {
      CAPTURE(fields);
      CHECK(rig.proxy.get("/", fields).status == (ignore ? 200 : 503));
    }
    check_problem(rig.proxy.get("/", "Cache-Control: only-if-cached\r\n"), 504, "NotCached");
  }
}

TEST_CASE("HEAD, conditional requests and Vary are honoured on remembered responses") {
  Rig rig;
  remember(rig, "remembered", std::string(kFresh) + "Vary: Accept-Language\r\n");
  force_open(rig);
  const Response head = rig.proxy.request("HEAD", "/");
  CHECK(head.status == 200);
  CHECK(head.field("Content-Length") == "10");
  const Response unmodified = rig.proxy.get("/", "If-None-Match: \"v1\"\r\n");
  CHECK(unmodified.status == 304);
  CHECK(unmodified.body == "");
  CHECK(rig.proxy.get("/", "If-None-Match: \"v2\"\r\n").status == 200);
  const Response part = rig.proxy.get("/", "Range: bytes=2-4\r\n");
  CHECK(part.status == 206);
  CHECK(part.body == "mem");
  CHECK(part.field("Content-Range") == "bytes 2-4/10");
  CHECK(rig.proxy.get("/", "Accept-Language: de\r\n").status == 503);
  CHECK(rig.proxy.get("/", "Cache-Control: no-cache\r\n").status == 503);
  CHECK(rig.proxy.request("POST", "/", "", "x").status == 503);
}

TEST_CASE("a response that broke off is never remembered") {
  Rig rig(scripts::cut("HTTP/1.1 200 OK\r\nCache-Control: max-age=600\r\nContent-Length: 100\r\n\r\nhalf"));
  CHECK_FALSE(rig.proxy.get("/").complete);
  rig.upstream.script(
      scripts::cut("HTTP/1.1 200 OK\r\nCache-Control: max-age=600\r\nTransfer-Encoding: chunked\r\n\r\n"
                   "4\r\nhalf\r\n"));
  CHECK_FALSE(rig.proxy.get("/").complete);
  force_open(rig);
  CHECK(rig.proxy.get("/").status == 503);
}

TEST_CASE("a chunked response is remembered whole") {
  Rig rig;
  const std::string body = pattern(200000);
  rig.upstream.script(scripts::reply(
      "HTTP/1.1 200 OK\r\nCache-Control: max-age=600\r\nTransfer-Encoding: chunked\r\n\r\n" + chunked(body, 7000)));
  REQUIRE(rig.proxy.get("/").complete);
  force_open(rig);
  const Response reply = rig.proxy.get("/");
  CHECK((reply.body == body));
  CHECK(reply.field("Content-Length") == "200000");
}

TEST_CASE("a newer response takes the place of the remembered one") {
  Rig rig;
  remember(rig, "one", kFresh);
  remember(rig, "two", "Cache-Control: max-age=600\r\nETag: \"v2\"\r\n");
  force_open(rig);
  CHECK(rig.proxy.get("/").body == "two");
}

TEST_CASE("a successful unsafe method makes the cache forget") {
  Rig rig;
  remember(rig, "one", kFresh);
  CHECK(rig.proxy.request("POST", "/", "", "change").status == 200);
  force_open(rig);
  CHECK(rig.proxy.get("/").status == 503);
}

TEST_CASE("a static answer stands in") {
  Rig rig(
      scripts::status(500),
      "    fallback: {chain: [cache, {static: {status: 203, headers: {X-Fallback: static, Content-Type: text/plain}, "
      "body: sorry}}]}\n");
  for (int i = 0; i < 2; ++i) {
    const Response reply = rig.proxy.get("/");
    CHECK(reply.status == 203);
    CHECK(reply.body == "sorry");
    CHECK(reply.field("X-Fallback") == "static");
    CHECK(reply.field("Content-Type") == "text/plain");
    force_open(rig);
  }
  CHECK(executions(rig, "static", "hit") == 2);
  CHECK(executions(rig, "cache", "miss") == 2);
}

TEST_CASE("a static answer's own Date and X-Request-Id are the only ones") {
  Rig rig(scripts::status(500),
          "    fallback: {chain: [{static: {status: 203, headers: {Date: \"Sun, 06 Nov 1994 08:49:37 GMT\", "
          "X-Request-Id: fixed}, body: sorry}}]}\n");
  const Response reply = rig.proxy.get("/");
  CHECK(reply.status == 203);
  CHECK(reply.field("Date") == "Sun, 06 Nov 1994 08:49:37 GMT");
  CHECK(reply.field("X-Request-Id") == "fixed");
}

TEST_CASE("another upstream stands in, through its own breaker") {
  ScriptedUpstream primary(scripts::status(500)), replica(scripts::ok("from the replica"));
  TestProxy proxy(
      "listeners:\n  - name: main\n    address: 127.0.0.1:0\n    routes: [{upstream: orders}]\n"
      "upstreams:\n  orders:\n    endpoints: [\"http://127.0.0.1:${A}\"]\n    fallback: {chain: [{upstream: "
      "replica}]}\n"
      "  replica: \"http://127.0.0.1:${B}\"\n",
      {{"A", primary.port()}, {"B", replica.port()}});
  for (int i = 0; i < 7; ++i) CHECK(proxy.get("/x?y").body == "from the replica");
  CHECK(primary.request_count() == 5);
  CHECK(replica.request_count() == 7);
  CHECK(replica.requests().front().target == "/x?y");
  CHECK(proxy.breaker("replica").totals.success == 7);

  CHECK(proxy.request("POST", "/", "", "x").body == "from the replica");  // open: nothing was sent
  replica.script(scripts::status(500));
  for (int i = 0; i < 5; ++i) CHECK(proxy.get("/").status >= 500);
  CHECK(proxy.state("replica") == "open");
  CHECK(proxy.get("/").status == 503);
}

TEST_CASE("a step to another upstream is counted by what came of it, and not where the client has left before") {
  ScriptedUpstream primary(scripts::status(500)), replica;
  TestProxy proxy(
      "listeners:\n  - name: main\n    address: 127.0.0.1:0\n    routes: [{upstream: orders}]\n"
      "upstreams:\n  orders:\n    endpoints: [\"http://127.0.0.1:${A}\"]\n    circuit_breaker: {mode: disabled}\n"
      "    fallback: {chain: [{upstream: replica}]}\n"
      "  replica: \"http://127.0.0.1:${B}\"\n",
      {{"A", primary.port()}, {"B", replica.port()}});
  const auto runs = [&](const std::string& result) {
    return proxy.metric("circuit_breaker_fallback_executions_total{name=\"orders\",type=\"upstream\",result=\"" +
                        result + "\"}");
  };
  CHECK(proxy.get("/").status == 200);
  CHECK(runs("hit") == 1);
  replica.script(scripts::status(500));
  CHECK(proxy.get("/").status == 500);
  CHECK(runs("error") == 1);
  replica.script(scripts::hang());
  {
    Connection client = Connection::to(proxy.port());
    client.send("GET / HTTP/1.1\r\nHost: localhost\r\n\r\n");
    REQUIRE(eventually([&] { return replica.request_count() == 3; }));
  }
  REQUIRE(eventually([&] { return proxy.metric("fusewire_connections") == 0; }));
  REQUIRE(proxy.admin_change("/admin/circuit-breakers/replica/force-open").status == 200);
  CHECK(proxy.get("/").status == 500);
  CHECK(runs("miss") == 1);
  CHECK(runs("error") == 1);
  CHECK(runs("hit") == 1);
}

TEST_CASE("an upstream is not blamed for the time that another one has used before it") {
  ScriptedUpstream primary(scripts::hang()), replica(scripts::delayed(400ms, scripts::ok()));
  TestProxy proxy(
      "listeners:\n  - name: main\n    address: 127.0.0.1:0\n    routes: [{upstream: orders}]\n"
      "defaults: {timeouts: {response: 600ms, total: 800ms}}\n"
      "upstreams:\n  orders:\n    endpoints: [\"http://127.0.0.1:${A}\"]\n    fallback: {chain: [{upstream: "
      "replica}]}\n    circuit_breaker: {mode: disabled}\n"
      "  replica: \"http://127.0.0.1:${B}\"\n",
      {{"A", primary.port()}, {"B", replica.port()}});
  for (int i = 0; i < 6; ++i) CHECK(proxy.get("/").status == 504);
  CHECK(replica.request_count() == 6);
  CHECK(eventually([&] {  // some go on, and find that it only takes a second
    const auto totals = proxy.breaker("replica").totals;
    return totals.neutral + totals.success == 6;
  }));
  CHECK(proxy.breaker("replica").totals.failure == 0);
  CHECK(proxy.state("replica") == "closed");
}

TEST_CASE("a request that may have had an effect is not sent to another upstream") {
  ScriptedUpstream primary(scripts::status(500)), replica;
  TestProxy proxy(
      "listeners:\n  - name: main\n    address: 127.0.0.1:0\n    routes: [{upstream: orders}]\n"
      "upstreams:\n  orders:\n    endpoints: [\"http://127.0.0.1:${A}\"]\n    fallback: {chain: [{upstream: "
      "replica}]}\n"
      "  replica: \"http://127.0.0.1:${B}\"\n",
      {{"A", primary.port()}, {"B", replica.port()}});
  CHECK(proxy.request("POST", "/", "", "pay").status == 500);
  CHECK(replica.request_count() == 0);
}

TEST_CASE("what one upstream of the chain may have acted on is not sent to the next one") {
  ScriptedUpstream first(scripts::status(500)), second;
  const ReservedPort closed;
  TestProxy proxy(
      "listeners:\n  - name: main\n    address: 127.0.0.1:0\n    routes: [{upstream: orders}]\n"
      "upstreams:\n  orders:\n    endpoints: [\"http://127.0.0.1:${C}\"]\n    fallback: {chain: [{upstream: "
      "first}, {upstream: second}]}\n"
      "  first: \"http://127.0.0.1:${A}\"\n  second: \"http://127.0.0.1:${B}\"\n",
      {{"A", first.port()}, {"B", second.port()}, {"C", closed.number()}});
  CHECK(proxy.request("POST", "/", "", "pay").status == 502);
  CHECK(first.request_count() == 1);
  CHECK(second.request_count() == 0);
  CHECK(proxy.get("/").status == 200);  // a GET may be asked twice
  CHECK(second.request_count() == 1);
}

TEST_CASE("an empty chain leaves the answer as it is, and what is not named is not replaced") {
  Rig none(scripts::ok(), "    fallback: {chain: []}\n");
  remember(none, "remembered", kFresh);
  force_open(none);
  CHECK(none.proxy.get("/").status == 503);

  Rig some(scripts::ok(), "    fallback: {on: [\"503\"], chain: [{static: {status: 200, body: instead}}]}\n");
  some.upstream.script(scripts::status(500, "own"));
  CHECK(some.proxy.get("/").body == "own");
  some.upstream.script(scripts::status(503));
  CHECK(some.proxy.get("/").body == "instead");
  force_open(some);
  CHECK(some.proxy.get("/").status == 503);  // "503" is the upstream's, breaker_open would be ours
}
