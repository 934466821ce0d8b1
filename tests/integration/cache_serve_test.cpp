// SPDX-License-Identifier: Apache-2.0
// `serve: normal`: the cache in front of the breaker and the upstream, through real sockets.
#include <string>

#include "tests/support/rig.hpp"

using namespace fusewire::testing;

namespace {

constexpr const char* kServe = "    cache: {serve: normal}\n";
const std::string kFresh = "Cache-Control: max-age=600\r\nETag: \"v1\"\r\n";
const std::string kStale = "Cache-Control: max-age=60\r\nAge: 100\r\nETag: \"v1\"\r\n";
const std::string kModified = "Last-Modified: Mon, 05 Jan 2026 10:00:00 GMT\r\n";

void remember(Rig& rig, const std::string& body, const std::string& fields, const std::string& target = "/") {
  rig.upstream.script(scripts::reply(response(200, body, fields)));
  REQUIRE(rig.proxy.get(target).body == body);
}

double events(const Rig& rig, const std::string& event) {
  return rig.proxy.metric("fusewire_cache_events_total{upstream=\"orders\",event=\"" + event + "\"}");
}

// What Cache-Status says, without how long the response is good for.
std::string status_of(const Response& reply) {
  const std::string status = reply.field("Cache-Status");
  return status.substr(0, status.find("; ttl="));
}

Script not_modified(const std::string& fields = {}) {
  return scripts::reply("HTTP/1.1 304 Not Modified\r\n" + fields + "\r\n");
}

}  // namespace

TEST_CASE("a fresh response is answered before the breaker is asked, even when that is open") {
  Rig rig(scripts::ok(), kServe);
  remember(rig, "kept", kFresh + "X-Own: 1\r\n");
  const auto before = rig.proxy.breaker().totals;
  REQUIRE(rig.proxy.admin_change("/admin/circuit-breakers/orders/force-open").status == 200);
  const Response reply = rig.proxy.get("/");
  CHECK(reply.status == 200);
  CHECK(reply.body == "kept");
  CHECK(reply.field("X-Own") == "1");
  CHECK(std::stol(reply.field("Age")) < 60);
  CHECK(status_of(reply) == "fusewire; hit");
  CHECK(rig.upstream.request_count() == 1);
  CHECK(rig.proxy.breaker().totals.rejected == before.rejected);
  CHECK(rig.proxy.breaker().totals.success == before.success);
  CHECK(events(rig, "hit") == 1);
  CHECK(events(rig, "miss") == 1);
}

TEST_CASE("Cache-Status tells why a request went on, and whether its response is kept") {
  Rig rig(scripts::ok(), kServe);
  rig.upstream.script(scripts::reply(response(200, "x", kFresh + "Vary: X-A\r\n")));
  CHECK(status_of(rig.proxy.get("/", "X-A: 1\r\n")) == "fusewire; fwd=uri-miss; stored");
  CHECK(status_of(rig.proxy.get("/", "X-A: 2\r\n")) == "fusewire; fwd=vary-miss; stored");
  CHECK(status_of(rig.proxy.get("/", "X-A: 2\r\nCache-Control: no-cache\r\n")) == "fusewire; fwd=request; stored");
  CHECK(status_of(rig.proxy.get("/", "X-A: 2\r\nIf-Match: \"v1\"\r\n")) == "fusewire; fwd=bypass; stored");
  CHECK(rig.proxy.request("POST", "/", {}, "x").field("Cache-Status") == "fusewire; fwd=method");
  rig.upstream.script(scripts::ok());
  CHECK(rig.proxy.get("/plain").field("Cache-Status") == "fusewire; fwd=uri-miss");
  remember(rig, "old", kStale, "/old");
  CHECK(status_of(rig.proxy.get("/old")) == "fusewire; fwd=stale; stored");
}

TEST_CASE("where the cache answers on errors only, a plain pass says nothing of it") {
  Rig rig;
  remember(rig, "kept", kFresh);
  const Response reply = rig.proxy.get("/");
  CHECK_FALSE(reply.has("Cache-Status"));
  CHECK(rig.upstream.request_count() == 2);
}

TEST_CASE("a 304 to the proxy's own question renews what is stored, and the client gets it") {
  Rig rig(scripts::ok(), kServe);
  remember(rig, "kept", kStale + kModified + "X-A: 1\r\nX-B: 2\r\nContent-Type: text/plain\r\n");
  rig.upstream.script(not_modified("ETag: \"v1\"\r\nCache-Control: max-age=600\r\nX-A: new\r\nContent-Type: a/b\r\n"));
  const Response renewed = rig.proxy.get("/");
  CHECK(renewed.status == 200);
  CHECK(renewed.body == "kept");
  CHECK(renewed.field("X-A") == "new");
  CHECK(renewed.field("X-B") == "2");
  CHECK(renewed.field("Content-Type") == "text/plain");
  CHECK(status_of(renewed) == "fusewire; fwd=stale; fwd-status=304");
  const Request question = rig.upstream.requests().back();
  CHECK(question.field("If-None-Match") == "\"v1\"");
  CHECK(question.field("If-Modified-Since") == "Mon, 05 Jan 2026 10:00:00 GMT");
  const Response later = rig.proxy.get("/");
  CHECK(later.field("X-A") == "new");
  CHECK(status_of(later) == "fusewire; hit");
  CHECK(events(rig, "validate") == 1);
  CHECK(events(rig, "refresh") == 1);
  CHECK(rig.proxy.breaker().totals.success == 2);
}

TEST_CASE("a 304 that names no validator, or the weak form of the stored one, confirms it as well") {
  Rig rig(scripts::ok(), kServe);
  remember(rig, "plain", kStale, "/a");
  remember(rig, "coded", "Cache-Control: max-age=60\r\nAge: 100\r\nETag: W/\"v1\"\r\n", "/b");
  rig.upstream.script(not_modified());
  CHECK(rig.proxy.get("/a").body == "plain");
  rig.upstream.script(not_modified("ETag: \"v1\"\r\n"));
  const Response reply = rig.proxy.get("/b");
  CHECK(reply.body == "coded");
  CHECK(reply.field("ETag") == "W/\"v1\"");
}

TEST_CASE("a 304 that speaks of something else is not believed: the upstream is asked once more, without conditions") {
  Rig rig(scripts::ok(), std::string(kServe) + "    limits: {max_connections: 1}\n");
  remember(rig, "old", kStale);
  rig.upstream.script(scripts::in_turn({not_modified("ETag: \"v2\"\r\n"), scripts::ok("new")}));
  const Response reply = rig.proxy.get("/");
  CHECK(reply.status == 200);
  CHECK(reply.body == "new");
  CHECK(rig.upstream.request_count() == 3);
  CHECK_FALSE(rig.upstream.requests().back().has("If-None-Match"));
}

TEST_CASE("a changed response takes the place of the stored one") {
  Rig rig(scripts::ok(), kServe);
  remember(rig, "old", kStale);
  rig.upstream.script(scripts::reply(response(200, "new", "Cache-Control: max-age=600\r\nETag: \"v2\"\r\n")));
  CHECK(rig.proxy.get("/").body == "new");
  rig.upstream.script(scripts::ok("not asked for"));
  CHECK(rig.proxy.get("/").body == "new");
}

TEST_CASE("a client's own conditions are judged here when the stored response is fresh") {
  Rig rig(scripts::ok(), kServe);
  remember(rig, "kept", kFresh + kModified);
  for (const char* has : {"If-None-Match: \"v1\"\r\n", "If-None-Match: \"v0\", W/\"v1\"\r\n", "If-None-Match: *\r\n",
                          "If-Modified-Since: Mon, 05 Jan 2026 10:00:00 GMT\r\n",
                          "If-None-Match: \"v1\"\r\nIf-Modified-Since: Sun, 04 Jan 2026 10:00:00 GMT\r\n"}) {
    CAPTURE(has);
    const Response reply = rig.proxy.get("/", has);
    CHECK(reply.status == 304);
    CHECK(reply.body.empty());
    CHECK(reply.field("ETag") == "\"v1\"");
  }
  CHECK(rig.proxy.get("/", "If-None-Match: \"v2\"\r\n").body == "kept");
  CHECK(rig.proxy.get("/", "If-Modified-Since: Sun, 04 Jan 2026 10:00:00 GMT\r\n").body == "kept");
  CHECK(rig.upstream.request_count() == 1);
}

TEST_CASE("a client's own conditions are judged here after the stored response has been confirmed") {
  Rig rig(scripts::ok(), kServe);
  remember(rig, "kept", kStale);
  rig.upstream.script(not_modified("ETag: \"v1\"\r\n"));
  CHECK(rig.proxy.get("/", "If-None-Match: \"v1\"\r\n").status == 304);
  const Response whole = rig.proxy.get("/", "If-None-Match: \"v0\"\r\n");
  CHECK(whole.status == 200);
  CHECK(whole.body == "kept");
  for (const Request& request : rig.upstream.requests())
    if (request.has("If-None-Match")) CHECK(request.field("If-None-Match") == "\"v1\"");
}

TEST_CASE("conditions about nothing that is stored are the upstream's to judge, and a 304 to them is relayed") {
  Rig rig(not_modified("ETag: \"v1\"\r\n"), kServe);
  const Response reply = rig.proxy.get("/", "If-None-Match: \"v1\"\r\n");
  CHECK(reply.status == 304);
  CHECK(rig.upstream.requests().back().field("If-None-Match") == "\"v1\"");
}

TEST_CASE("a range of what is stored is answered from it, and If-Range is looked at") {
  Rig rig(scripts::ok(), kServe);
  remember(rig, "0123456789", kFresh);
  struct Part {
    const char* fields;
    int status;
    const char* body;
  };
  for (const Part& part :
       {Part{"Range: bytes=2-3\r\n", 206, "23"}, Part{"Range: bytes=7-\r\n", 206, "789"},
        Part{"Range: bytes=-1\r\n", 206, "9"}, Part{"Range: bytes=20-\r\n", 416, ""},
        Part{"Range: bytes=1-2, 4-5\r\n", 200, "0123456789"}, Part{"Range: bytes=x\r\n", 200, "0123456789"},
        Part{"Range: bytes=2-3\r\nIf-Range: \"v1\"\r\n", 206, "23"},
        Part{"Range: bytes=2-3\r\nIf-Range: \"v0\"\r\n", 200, "0123456789"}}) {
    CAPTURE(part.fields);
    const Response reply = rig.proxy.get("/", part.fields);
    CHECK(reply.status == part.status);
    CHECK(reply.body == part.body);
  }
  CHECK(rig.upstream.request_count() == 1);
}

TEST_CASE("a part that the upstream sends is never taken for the whole") {
  Rig rig(scripts::reply(response(206, "23", kFresh + "Content-Range: bytes 2-3/10\r\n")), kServe);
  CHECK(rig.proxy.get("/", "Range: bytes=2-3\r\n").status == 206);
  rig.upstream.script(scripts::ok("0123456789"));
  CHECK(rig.proxy.get("/").body == "0123456789");
}

TEST_CASE("HEAD is answered from a stored GET; an answer to HEAD renews it, or shows that it is outdated") {
  Rig rig(scripts::ok(), kServe);
  remember(rig, "kept", kFresh, "/fresh");
  const Response head = rig.proxy.request("HEAD", "/fresh");
  CHECK(head.status == 200);
  CHECK(head.field("Content-Length") == "4");
  CHECK(rig.upstream.request_count() == 1);
  remember(rig, "kept", kStale, "/stale");
  rig.upstream.script(scripts::reply("HTTP/1.1 200 OK\r\nContent-Length: 4\r\n" + kFresh + "\r\n"));
  rig.proxy.request("HEAD", "/stale");
  rig.upstream.script(scripts::ok("not asked for"));
  CHECK(rig.proxy.get("/stale").body == "kept");
}

TEST_CASE("an unsafe method that succeeds makes forget its target and what it names; one that fails does not") {
  for (const char* method : {"POST", "PUT", "DELETE", "PATCH", "M-SEARCH"}) {
    CAPTURE(method);
    Rig rig(scripts::ok(), kServe);
    for (const char* target : {"/a", "/b", "/c", "/d"}) remember(rig, "kept", kFresh, target);
    rig.upstream.script(scripts::status(500));
    rig.proxy.request(method, "/a", {}, "x");
    rig.upstream.script(scripts::reply(response(303, "", "Location: /b\r\nContent-Location: /c\r\n")));
    CHECK(rig.proxy.get("/a").body == "kept");
    rig.proxy.request(method, "/a", {}, "x");
    rig.upstream.script(scripts::ok("new"));
    for (const char* target : {"/a", "/b", "/c"}) CHECK(rig.proxy.get(target).body == "new");
    CHECK(rig.proxy.get("/d").body == "kept");
  }
}

TEST_CASE("only-if-cached is answered from the store or with 504 NotCached") {
  Rig rig(scripts::ok(), kServe);
  remember(rig, "kept", kFresh);
  remember(rig, "old", kStale, "/old");
  CHECK(rig.proxy.get("/", "Cache-Control: only-if-cached\r\n").body == "kept");
  for (const char* target : {"/old", "/none"}) {
    const Response reply = rig.proxy.get(target, "Cache-Control: only-if-cached\r\n");
    check_problem(reply, 504, "NotCached");
    CHECK(reply.field("Cache-Status") == "fusewire; detail=only-if-cached");
  }
  CHECK(rig.upstream.request_count() == 2);
}

TEST_CASE("when the question can't be asked, stale answers are the fallback's, as far as the origin allows") {
  Rig rig(scripts::ok(), std::string(kServe) + "    fallback: {chain: [{cache: {max_stale: 1h}}]}\n");
  remember(rig, "old", kStale, "/a");
  remember(rig, "old", "Cache-Control: max-age=60, must-revalidate\r\nAge: 100\r\nETag: \"v1\"\r\n", "/b");
  rig.upstream.script(scripts::reset());
  const Response stale = rig.proxy.get("/a");
  CHECK(stale.body == "old");
  CHECK(parameter(stale.field("Cache-Status"), "detail") == "reset");
  check_problem(rig.proxy.get("/b"), 502, "UpstreamReset", "connection_terminated");
}

TEST_CASE("an error with freshness of its own is kept, but never in the place of a good response") {
  Rig rig(scripts::ok(), std::string(kServe) + kNoBreaker + "    fallback: {chain: [{cache: {max_stale: 1h}}]}\n");
  rig.upstream.script(scripts::reply(response(503, "busy", "Cache-Control: max-age=600\r\n")));
  CHECK(rig.proxy.get("/new").status == 503);
  CHECK(status_of(rig.proxy.get("/new")) == "fusewire; hit");
  remember(rig, "good", kStale);
  rig.upstream.script(scripts::reply(response(503, "busy", "Cache-Control: max-age=600\r\n")));
  CHECK(rig.proxy.get("/").body == "good");
  CHECK(rig.proxy.get("/").body == "good");
}

TEST_CASE("a hit keeps the connection, answers pipelined requests in order, and HTTP/1.0") {
  Rig rig(scripts::ok(), kServe);
  remember(rig, "kept", kFresh);
  Connection client = Connection::to(rig.proxy.port());
  client.send(
      "GET / HTTP/1.1\r\nHost: localhost\r\n\r\nGET / HTTP/1.1\r\nHost: localhost\r\n\r\n"
      "GET / HTTP/1.0\r\nHost: localhost\r\n\r\n");
  for (int i = 0; i < 3; ++i) CHECK(read_response(client).body == "kept");
  CHECK(client.ended());
  CHECK(rig.upstream.request_count() == 1);
}

TEST_CASE("a large stored body is served whole") {
  Rig rig(scripts::ok(), kServe);
  const std::string body = pattern(1000000);
  remember(rig, body, kFresh);
  CHECK(rig.proxy.get("/").body == body);
  CHECK(rig.upstream.request_count() == 1);
}

TEST_CASE("a stored response carries the id of the request that it answers") {
  Rig rig(scripts::ok(), kServe);
  remember(rig, "kept", kFresh + "X-Request-Id: of-the-first\r\n");
  const Response reply = rig.proxy.get("/");
  CHECK(status_of(reply) == "fusewire; hit");
  CHECK(reply.has("X-Request-Id"));
  CHECK(reply.field("X-Request-Id") != "of-the-first");
}
