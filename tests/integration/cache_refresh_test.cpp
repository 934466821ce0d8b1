// SPDX-License-Identifier: Apache-2.0
// `serve: normal`, stale-while-revalidate (RFC 5861 §3): answered at once, asked for anew behind the client's back.
#include <atomic>
#include <memory>
#include <string>

#include "tests/support/rig.hpp"

using namespace fusewire::testing;

namespace {

constexpr const char* kServe = "    cache: {serve: normal}\n";
const std::string kWindow = "Cache-Control: max-age=60, stale-while-revalidate=300\r\nAge: 100\r\nETag: \"v1\"\r\n";

void remember(Rig& rig, const std::string& body, const std::string& fields) {
  rig.upstream.script(scripts::reply(response(200, body, fields)));
  REQUIRE(rig.proxy.get("/").body == body);
}

bool is_hit(const Response& reply) { return reply.field("Cache-Status").rfind("fusewire; hit", 0) == 0; }

double events(const Rig& rig, const std::string& event) {
  return rig.proxy.metric("fusewire_cache_events_total{upstream=\"orders\",event=\"" + event + "\"}");
}

}  // namespace

TEST_CASE(
    "a stale response within its window is answered at once; the question behind it carries the client's fields but "
    "not its conditions") {
  Rig rig(scripts::ok(), kServe);
  remember(rig, "old", kWindow);
  rig.upstream.script(scripts::reply(response(200, "new", "Cache-Control: max-age=600\r\nETag: \"v2\"\r\n")));
  const Response stale = rig.proxy.get("/", "X-A: 1\r\nRange: bytes=0-0\r\nIf-None-Match: \"v0\"\r\n");
  CHECK(stale.status == 206);
  CHECK(stale.body == "o");
  const std::string status = stale.field("Cache-Status");
  CHECK(status.rfind("fusewire; hit; ttl=-", 0) == 0);
  CHECK(parameter(status, "detail") == "stale-while-revalidate");
  REQUIRE(eventually([&] { return events(rig, "store") == 2; }));
  const Request question = rig.upstream.requests().back();
  CHECK(question.field("X-A") == "1");
  CHECK(question.field("If-None-Match") == "\"v1\"");
  CHECK_FALSE(question.has("Range"));
  CHECK(question.has("X-Request-Id"));
  CHECK(rig.proxy.get("/").body == "new");
  CHECK(rig.upstream.request_count() == 2);
}

TEST_CASE("a 304 in the background renews the stored response") {
  Rig rig(scripts::ok(), kServe);
  remember(rig, "kept", kWindow);
  rig.upstream.script(
      scripts::reply("HTTP/1.1 304 Not Modified\r\nETag: \"v1\"\r\nCache-Control: max-age=600\r\n\r\n"));
  CHECK(is_hit(rig.proxy.get("/")));
  REQUIRE(eventually([&] { return events(rig, "refresh") == 1; }));
  CHECK(parameter(rig.proxy.get("/").field("Cache-Status"), "detail") == kAbsent);
  CHECK(rig.proxy.breaker().totals.success == 2);
}

TEST_CASE("one refresh at a time, however many are answered meanwhile") {
  const auto open = std::make_shared<std::atomic<bool>>(false);
  Rig rig(scripts::ok(), kServe);
  remember(rig, "old", kWindow);
  rig.upstream.script([open](Call& call) {
    while (!*open && call.wait(milliseconds(2))) {
    }
    scripts::reply(response(200, "new", "Cache-Control: max-age=600\r\n"))(call);
  });
  CHECK(rig.proxy.get("/").body == "old");
  REQUIRE(eventually([&] { return rig.upstream.request_count() == 2; }));
  for (int i = 0; i < 20; ++i) CHECK(rig.proxy.get("/").body == "old");
  CHECK(rig.upstream.request_count() == 2);
  *open = true;
  CHECK(eventually([&] { return rig.proxy.get("/").body == "new"; }));
}

TEST_CASE("refreshes that hang leave most of the upstream's places to clients") {
  Rig rig(scripts::reply(response(200, "old", kWindow)),
          std::string(kServe) + "    limits: {max_concurrent_requests: 8}\n");
  const auto ask_for_all = [&] {
    for (int i = 0; i < 10; ++i) CHECK(rig.proxy.get("/" + std::to_string(i)).body == "old");
  };
  ask_for_all();
  rig.upstream.script([](Call& call) {
    if (call.request().target == "/other") return scripts::ok("other")(call);
    call.hang();
  });
  ask_for_all();
  REQUIRE(eventually([&] { return rig.upstream.request_count() == 12; }));  // a quarter of the places
  ask_for_all();
  CHECK(rig.proxy.get("/other").body == "other");
  CHECK(rig.upstream.request_count() == 13);
}

TEST_CASE("a refresh is a call for the breaker, which counts when it fails") {
  Rig rig(scripts::ok(), kServe);
  remember(rig, "old", kWindow);
  rig.upstream.script(scripts::status(500));
  CHECK(is_hit(rig.proxy.get("/")));
  CHECK(eventually([&] { return rig.proxy.breaker().totals.failure == 1; }));
}

TEST_CASE("a refresh is not made while the breaker is open") {
  Rig rig(scripts::ok(), kServe);
  remember(rig, "old", kWindow);
  REQUIRE(rig.proxy.admin_change("/admin/circuit-breakers/orders/force-open").status == 200);
  for (int i = 0; i < 3; ++i) CHECK(is_hit(rig.proxy.get("/")));
  CHECK(eventually([&] { return rig.proxy.breaker().totals.rejected >= 1; }));
  CHECK(rig.upstream.request_count() == 1);
}

TEST_CASE("beyond the window, or where the origin or the client forbids it, the question comes first") {
  Rig rig(scripts::ok(), kServe);
  for (const char* fields : {"Cache-Control: max-age=60, stale-while-revalidate=10\r\nAge: 100\r\n",
                             "Cache-Control: max-age=60, stale-while-revalidate=300, must-revalidate\r\nAge: 100\r\n",
                             "Cache-Control: s-maxage=60, stale-while-revalidate=300\r\nAge: 100\r\n"}) {
    CAPTURE(fields);
    remember(rig, "old", fields);
    rig.upstream.script(scripts::ok("new"));
    CHECK(rig.proxy.get("/").body == "new");
    rig.proxy.request("DELETE", "/");
  }
  remember(rig, "old", kWindow);
  rig.upstream.script(scripts::ok("new"));
  CHECK(rig.proxy.get("/", "Cache-Control: no-cache\r\n").body == "new");
  CHECK(rig.proxy.get("/", "Cache-Control: max-stale=10\r\n").body == "new");
  CHECK(rig.proxy.get("/", "Cache-Control: max-age=90\r\n").body == "new");
}

TEST_CASE("what a refresh brings and nobody may keep is not read to its end") {
  Rig rig(scripts::ok(), kServe);
  remember(rig, "old", kWindow);
  std::atomic<bool> hung_up{false};
  rig.upstream.script([&](Call& call) {
    call.send("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nCache-Control: no-store\r\n\r\n4\r\npart\r\n");
    hung_up = !call.wait(kPatience);
  });
  CHECK(is_hit(rig.proxy.get("/")));
  CHECK(eventually([&] { return hung_up.load(); }));
}

TEST_CASE("a process that ends cuts a refresh off") {
  Rig rig(scripts::ok(), kServe);
  remember(rig, "old", kWindow);
  rig.upstream.script(scripts::hang());
  CHECK(is_hit(rig.proxy.get("/")));
  REQUIRE(eventually([&] { return rig.upstream.request_count() == 2; }));
  rig.proxy.drain();
  CHECK(time_of([&] { rig.proxy.wait(); }) < milliseconds(5000));
}
