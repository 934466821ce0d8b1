// SPDX-License-Identifier: Apache-2.0
// What is asked for behind the backs of clients, after they have had a stale answer.
#include "proxy/request/refresh.hpp"

#include <doctest/doctest.h>

#include <string>
#include <string_view>

#include "tests/unit/proxy/net/few_descriptors.hpp"
#include "tests/unit/proxy/request/driven_request.hpp"

using namespace fusewire;
using proxy::WorkerTask;
using testing::Driven;
using testing::Setup;

namespace {

constexpr std::string_view kGet = "GET /a HTTP/1.1\r\nHost: h\r\n\r\n";
constexpr std::string_view kOld =
    "HTTP/1.1 200 OK\r\nContent-Length: 3\r\nCache-Control: max-age=60, stale-while-revalidate=600\r\nAge: 100\r\n"
    "ETag: \"1\"\r\n\r\nold";
constexpr std::string_view kOldWithoutTag =
    "HTTP/1.1 200 OK\r\nContent-Length: 3\r\nCache-Control: max-age=60, stale-while-revalidate=600\r\nAge: 100\r\n"
    "\r\nold";
constexpr std::string_view kNew =
    "HTTP/1.1 200 OK\r\nContent-Length: 3\r\nCache-Control: max-age=60\r\nETag: \"2\"\r\n\r\nnew";
constexpr std::string_view kStillGood = "HTTP/1.1 304 Not Modified\r\nETag: \"1\"\r\nCache-Control: max-age=60\r\n\r\n";
constexpr std::string_view kFailed = "HTTP/1.1 500 Internal Server Error\r\nContent-Length: 2\r\n\r\nno";

// What is stored is stale, and may be used while it is asked for anew. The client has not asked yet.
struct Scene {
  explicit Scene(std::string_view stored = kOld, Setup setup = {.cache = true, .serve = true}) : client(setup) {
    Driven first = client.beside();
    first.comes(kGet);
    first.origin_sends(stored);
    REQUIRE(first.has_ended());
    REQUIRE(under_way() == 0);
  }
  ~Scene() { process_stops(); }
  void process_stops() {
    client.stage.context().refreshes().for_each(&WorkerTask::stop);
    client.stage.settle();
  }
  std::size_t under_way() const { return client.stage.context().refreshes().size(); }
  // By whichever client or refresh.
  std::size_t asked() const { return client.reached_the_origin(); }
  std::string last_asked() {
    const std::string& all = client.stage.origin()->received;
    return all.substr(all.rfind(" /a HTTP/1.1\r\n") - 3);
  }
  // What another client is answered, who waits for nobody.
  std::string is_answered() {
    Driven other = client.beside();
    other.comes(kGet);
    CHECK(other.has_ended());
    return other.client.taken().body;
  }

  Driven client;
};

bool has(const std::string& text, std::string_view part) { return text.find(part) != std::string::npos; }

}  // namespace

// ------------------------------------------------------------------------------------------------------ its request

TEST_CASE("a client has its stale answer at once, and the same is asked for anew behind its back") {
  Scene scene;
  scene.client.comes(kGet);
  CHECK(scene.client.has_ended());
  CHECK(scene.client.client.taken().body == "old");
  CHECK(scene.asked() == 2);
  CHECK(scene.under_way() == 1);
}

TEST_CASE("a refresh is its client's request, without what that said of its own copies and to caches") {
  Scene scene(kOldWithoutTag);
  scene.client.comes(
      "GET /a HTTP/1.1\r\nHost: h\r\nAccept: text/plain\r\nIf-None-Match: \"own\"\r\n"
      "If-Modified-Since: Sun, 06 Nov 1994 08:49:37 GMT\r\nCache-Control: no-transform\r\n"
      "X-Request-ID: the-clients\r\n\r\n");
  CHECK(scene.client.client.taken().body == "old");
  REQUIRE(scene.asked() == 2);
  const std::string asked = scene.last_asked();
  CHECK(has(asked, "Host: h\r\n"));
  CHECK(has(asked, "Accept: text/plain\r\n"));
  CHECK_FALSE(has(asked, "If-"));
  CHECK_FALSE(has(asked, "no-transform"));
  CHECK_FALSE(has(asked, "the-clients"));
}

TEST_CASE("a refresh of what HEAD has asked for asks for all of it") {
  Scene scene;
  scene.client.comes("HEAD /a HTTP/1.1\r\nHost: h\r\n\r\n");
  REQUIRE(scene.asked() == 2);
  CHECK(scene.last_asked().starts_with("GET /a "));
  scene.client.origin_sends(kNew);
  CHECK(scene.is_answered() == "new");
}

TEST_CASE("while a thing is asked for anew no other client's stale answer has it asked for again") {
  Scene scene;
  scene.client.comes(kGet);
  CHECK(scene.is_answered() == "old");
  CHECK(scene.asked() == 2);
  CHECK(scene.under_way() == 1);
}

TEST_CASE("while the breaker is half-open nothing is asked for anew: nobody would wait for such a trial") {
  Scene scene(kOld, {.cache = true, .serve = true, .breaker = true});
  breaker::Breaker& breaker = scene.client.listener->routes.front().upstream->state->breaker;
  const Time now = std::chrono::steady_clock::now();
  std::get<breaker::Permit>(breaker.try_acquire(now)).failure(breaker::FailureKind::status, now);
  REQUIRE(breaker.end_interval(now));
  CHECK(scene.is_answered() == "old");
  CHECK(scene.asked() == 1);
  CHECK(breaker.snapshot(now).half_open.in_flight == 0);
  breaker.reset(now);
}

TEST_CASE("while descriptors are few nothing is asked for anew") {
  Scene scene;
  {
    const testing::FewDescriptors few(8);  // and a refresh leaves more than that to clients
    CHECK(scene.is_answered() == "old");
    CHECK(scene.asked() == 1);
  }
  CHECK(scene.is_answered() == "old");
  CHECK(scene.asked() == 2);
}

// ------------------------------------------------------------------------------------------------------ its answer

TEST_CASE("the answer to a refresh is what clients get from then on") {
  Scene scene;
  scene.client.comes(kGet);
  scene.client.origin_sends(kNew);
  CHECK(scene.under_way() == 0);
  CHECK(scene.is_answered() == "new");
  CHECK(scene.asked() == 2);
}

TEST_CASE("the answer to a refresh is read to its end, however it comes") {
  Scene scene;
  scene.client.comes(kGet);
  scene.client.origin_sends("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nCache-Control: max-age=60\r\n\r\n");
  scene.client.origin_sends("2\r\nne\r\n");
  CHECK(scene.under_way() == 1);
  scene.client.origin_sends("1\r\nw\r\n0\r\n\r\n");
  CHECK(scene.under_way() == 0);
  CHECK(scene.is_answered() == "new");
}

TEST_CASE("a refresh asks whether what is stored is good still, and is content to hear so") {
  Scene scene;
  scene.client.comes(kGet);
  CHECK(has(scene.last_asked(), "If-None-Match: \"1\"\r\n"));
  scene.client.origin_sends(kStillGood);
  CHECK(scene.under_way() == 0);
  CHECK(scene.is_answered() == "old");
  CHECK(scene.asked() == 2);
}

TEST_CASE("a refresh that fails takes nothing from the store, and is not repeated at once") {
  Scene scene;
  scene.client.comes(kGet);
  SUBCASE("the upstream says so") { scene.client.origin_sends(kFailed); }
  SUBCASE("the upstream hangs up") {
    scene.client.origin_finishes();  // a kept connection: it is sent once more, on a new one
    scene.client.origin_finishes();
  }
  CHECK(scene.under_way() == 0);
  const std::size_t asked = scene.asked();
  CHECK(scene.is_answered() == "old");
  CHECK(scene.asked() == asked);
}

TEST_CASE("a refresh whose answer breaks off takes nothing from the store, and is not repeated at once") {
  Scene scene;
  scene.client.comes(kGet);
  scene.client.origin_sends(kNew.substr(0, kNew.size() - 1));
  scene.client.origin_finishes();
  CHECK(scene.under_way() == 0);
  CHECK(scene.is_answered() == "old");
  CHECK(scene.asked() == 2);
}

TEST_CASE("an answer that may not be stored is not read to its end") {
  Scene scene;
  scene.client.comes(kGet);
  scene.client.origin_sends("HTTP/1.1 200 OK\r\nContent-Length: 1000000\r\nCache-Control: no-store\r\n\r\n");
  CHECK(scene.under_way() == 0);
  CHECK(scene.client.is_cut_off(0));
}

TEST_CASE("a refresh is no client's request: it is recorded for none") {
  Scene scene;
  scene.client.comes(kGet);
  const auto recorded = scene.client.recorded();
  scene.client.origin_sends(kNew);
  CHECK(scene.under_way() == 0);
  CHECK(scene.client.recorded() == recorded);
}

// ------------------------------------------------------------------------------------------------------ its end

TEST_CASE("a refresh that is cut off leaves no connection, no slot and no task behind") {
  for (const std::string_view had : {std::string_view(), kNew.substr(0, 20), kNew.substr(0, kNew.size() - 1)}) {
    CAPTURE(had);
    Scene scene;
    scene.client.comes(kGet);
    if (!had.empty()) scene.client.origin_sends(had);
    CHECK(scene.under_way() == 1);
    scene.process_stops();
    CHECK(scene.under_way() == 0);
    CHECK(scene.client.is_cut_off(0));
    CHECK(scene.client.world.upstream().limits.limiter.in_use() == 0);
  }
}
