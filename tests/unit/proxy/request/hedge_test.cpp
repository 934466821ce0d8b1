// SPDX-License-Identifier: Apache-2.0
// Two attempts of one call at a time: who answers, and what becomes of the other. The hedge is due after half an hour,
// which pass when the test says so.
#include "proxy/request/hedge.hpp"

#include <doctest/doctest.h>

#include <string_view>

#include "tests/unit/proxy/request/driven_request.hpp"

using namespace fusewire;
using namespace std::chrono_literals;
using testing::Driven;
using testing::Setup;

namespace {

constexpr std::string_view kGet = "GET /a HTTP/1.1\r\nHost: h\r\n\r\n";
constexpr std::string_view kPut = "PUT /a HTTP/1.1\r\nHost: h\r\nContent-Length: 4\r\n\r\nbody";
constexpr std::string_view kFirst = "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nfirst";
constexpr std::string_view kHedge = "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhedge";
constexpr std::string_view kBad = "HTTP/1.1 503 Service Unavailable\r\nContent-Length: 2\r\n\r\nno";
constexpr std::string_view kEarlyHints = "HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n";

// A request that has waited for half an hour, and has two attempts: on connections 0 and 1.
struct Hedged : Driven {
  explicit Hedged(std::string_view request = kGet, Setup setup = {.hedge = true}) : Driven(setup) {
    world.upstream().breaker.reset(std::chrono::steady_clock::now());
    before_ = totals();
    comes(request);
    REQUIRE(reached_the_origin() == 1);
    stage.pass(35min);
    REQUIRE(reached_the_origin() == 2);
  }
  breaker::Totals totals() { return world.upstream().breaker.snapshot(std::chrono::steady_clock::now()).totals; }
  std::uint64_t successes() { return totals().success - before_.success; }
  std::uint64_t failures() { return totals().failure - before_.failure; }
  std::uint64_t neutrals() { return totals().neutral - before_.neutral; }
  std::uint64_t counted(HedgeResult result) {
    const auto first = static_cast<std::size_t>(HedgeResult::won);
    return world.upstream().cells.of(0).hedges[static_cast<std::size_t>(result) - first].value() -
           hedges_before_[static_cast<std::size_t>(result) - first];
  }
  // Nothing of the request is left at its upstream.
  bool has_given_all_back() {
    if (!has_ended() || world.upstream().limits.limiter.in_use() != 0) return false;
    stage.context().pool().close_all();
    return world.upstream().connections.load() == 0;
  }

 private:
  breaker::Totals before_;
  std::array<std::uint64_t, 4> hedges_before_ = [this] {
    std::array<std::uint64_t, 4> values{};
    for (std::size_t i = 0; i < values.size(); ++i) values[i] = world.upstream().cells.of(0).hedges[i].value();
    return values;
  }();
};

constexpr Setup kWithBreaker{.breaker = true, .hedge = true};
constexpr Setup kWithRetries{.retries = true, .hedge = true};

}  // namespace

TEST_CASE("the hedge's answer goes to the client, and the first attempt is cut off at once") {
  Hedged request(kGet, kWithBreaker);
  request.origin_sends(1, kHedge);
  CHECK(request.client.taken().body == "hedge");
  CHECK(request.is_cut_off(0));
  CHECK_FALSE(request.is_cut_off(1));
  CHECK(request.successes() == 1);
  CHECK(request.counted(HedgeResult::won) == 1);
  CHECK(request.recorded() == 1);
  CHECK(request.has_given_all_back());
}

TEST_CASE("so does the first attempt's, where that comes first, and the hedge is cut off") {
  Hedged request(kGet, kWithBreaker);
  request.origin_sends(0, kFirst);
  CHECK(request.client.taken().body == "first");
  CHECK(request.is_cut_off(1));
  CHECK_FALSE(request.is_cut_off(0));
  CHECK(request.successes() == 1);
  CHECK(request.counted(HedgeResult::lost) == 1);
  CHECK(request.has_given_all_back());
}

TEST_CASE("a body that comes piece by piece is relayed from the hedge, as from any attempt") {
  Hedged request;
  request.origin_sends(1, kHedge.substr(0, kHedge.size() - 3));
  CHECK(request.is_cut_off(0));
  CHECK(request.client.taken().body == "he");
  CHECK_FALSE(request.has_ended());
  request.origin_sends(1, "dge");
  CHECK(request.client.taken().body == "hedge");
  CHECK(request.has_given_all_back());
}

TEST_CASE("a hedge that fails decides nothing") {
  Hedged request(kGet, kWithBreaker);
  request.stage.connection(1).close();
  request.stage.settle();
  CHECK_FALSE(request.has_ended());
  CHECK(request.failures() == 0);
  request.origin_sends(0, kFirst);
  CHECK(request.client.taken().body == "first");
  CHECK(request.counted(HedgeResult::failed) == 1);
  CHECK(request.has_given_all_back());
}

TEST_CASE("a first attempt that fails while its hedge runs leaves the call to that") {
  Hedged request(kGet, kWithBreaker);
  request.stage.connection(0).close();
  request.stage.settle();
  CHECK_FALSE(request.has_ended());
  CHECK(request.failures() == 0);
  request.origin_sends(1, kHedge);
  CHECK(request.client.taken().body == "hedge");
  CHECK(request.successes() == 1);
  CHECK(request.counted(HedgeResult::won) == 1);
  CHECK(request.has_given_all_back());
}

TEST_CASE("where both fail, the call has one verdict and the client one answer") {
  Hedged request(kGet, kWithBreaker);
  std::size_t first = 0;
  SUBCASE("the first attempt first") { first = 0; }
  SUBCASE("the hedge first") { first = 1; }
  request.stage.connection(first).close();
  request.stage.settle();
  request.stage.connection(1 - first).close();
  request.stage.settle();
  CHECK(request.client.taken().status == 502);
  CHECK(request.client.taken().responses == 1);
  CHECK(request.failures() == 1);
  CHECK(request.counted(HedgeResult::failed) == 1);
  CHECK(request.has_given_all_back());
}

TEST_CASE("an answer that would be tried again does not win against an attempt that runs") {
  Hedged request(kGet, kWithRetries);
  SUBCASE("the hedge's") {
    request.origin_sends(1, kBad);
    CHECK_FALSE(request.has_ended());
    request.origin_sends(0, kFirst);
    CHECK(request.client.taken().body == "first");
  }
  SUBCASE("the first attempt's") {
    request.origin_sends(0, kBad);
    CHECK_FALSE(request.has_ended());
    request.origin_sends(1, kHedge);
    CHECK(request.client.taken().body == "hedge");
  }
  CHECK(request.reached_the_origin() == 2);
  CHECK(request.has_given_all_back());
}

TEST_CASE("where retries.on does not list it, it wins") {
  Hedged request;
  request.origin_sends(1, kBad);
  CHECK(request.client.taken().status == 503);
  CHECK(request.is_cut_off(0));
  CHECK(request.has_given_all_back());
}

TEST_CASE("after two attempts that have failed a retry follows as after one, and has no hedge") {
  Hedged request(kGet, kWithRetries);
  request.origin_sends(0, kBad);
  request.origin_sends(1, kBad);
  REQUIRE(request.reached_the_origin() == 3);
  request.stage.pass(45min);
  CHECK(request.reached_the_origin() == 3);
  request.origin_sends(kFirst);
  CHECK(request.client.taken().body == "first");
  CHECK(request.has_given_all_back());
}

TEST_CASE("a request has one hedge") {
  Hedged request;
  request.stage.pass(45min);
  CHECK(request.reached_the_origin() == 2);
  request.stage.connection(1).close();
  request.stage.settle();
  request.stage.pass(50min);
  CHECK(request.reached_the_origin() == 2);
}

TEST_CASE("an interim response decides for its attempt") {
  Hedged request;
  SUBCASE("the first one") {
    request.origin_sends(0, kEarlyHints);
    CHECK(request.is_cut_off(1));
    request.origin_sends(0, kFirst);
    CHECK(request.client.taken().body == "first");
    CHECK(request.counted(HedgeResult::lost) == 1);
  }
  SUBCASE("the hedge") {
    request.origin_sends(1, kEarlyHints);
    CHECK(request.is_cut_off(0));
    CHECK_FALSE(request.has_ended());
    request.origin_sends(1, kHedge);
    CHECK(request.client.taken().body == "hedge");
    CHECK(request.counted(HedgeResult::won) == 1);
  }
  SUBCASE("the hedge, where the first one has failed") {
    request.stage.connection(0).close();
    request.stage.settle();
    request.origin_sends(1, kEarlyHints);
    request.origin_sends(1, kHedge);
    CHECK(request.client.taken().body == "hedge");
  }
  CHECK(request.has_given_all_back());
}

TEST_CASE("after an interim response there is no hedge") {
  Driven request({.hedge = true});
  request.comes(kGet);
  request.origin_sends(kEarlyHints);
  request.stage.pass(45min);
  CHECK(request.reached_the_origin() == 1);
  request.origin_sends(kFirst);
  CHECK(request.client.taken().body == "first");
}

TEST_CASE("a body that is in memory goes to both") {
  Hedged request(kPut);
  CHECK(request.stage.connection(0).received.ends_with("\r\n\r\nbody"));
  CHECK(request.stage.connection(1).received.ends_with("\r\n\r\nbody"));
  request.origin_sends(1, kHedge);
  CHECK(request.client.taken().body == "hedge");
}

TEST_CASE("what must not be sent twice has no hedge") {
  Driven request({.hedge = true});
  SUBCASE("a POST") { request.comes("POST /a HTTP/1.1\r\nHost: h\r\nContent-Length: 1\r\n\r\nx"); }
  SUBCASE("a body that still comes") { request.comes("PUT /a HTTP/1.1\r\nHost: h\r\nContent-Length: 4\r\n\r\nbo"); }
  request.stage.pass(45min);
  CHECK(request.reached_the_origin() == 1);
  CHECK(request.stage.connections().size() == 1);
}

TEST_CASE("with its client both attempts end, and nobody is blamed") {
  Hedged request(kGet, kWithBreaker);
  SUBCASE("it leaves") { request.client_leaves(); }
  SUBCASE("it leaves when the first attempt has failed") {
    request.stage.connection(0).close();
    request.stage.settle();
    request.client_leaves();
  }
  SUBCASE("it leaves when the hedge has failed") {
    request.stage.connection(1).close();
    request.stage.settle();
    request.client_leaves();
  }
  SUBCASE("the process stops") { request.process_stops(); }
  SUBCASE("the process stops when the first attempt has failed") {
    request.stage.connection(0).close();
    request.stage.settle();
    request.process_stops();
  }
  CHECK(request.client.taken().responses == 0);
  CHECK(request.is_cut_off(0));
  CHECK(request.is_cut_off(1));
  CHECK(request.neutrals() == 1);
  CHECK(request.counted(HedgeResult::failed) == 1);
  CHECK(request.has_given_all_back());
}

TEST_CASE("those who wait for its fetch get the hedge's answer, too") {
  Driven leader({.cache = true, .serve = true, .hedge = true});
  Driven follower = leader.beside();
  leader.comes(kGet);
  follower.comes(kGet);
  leader.stage.pass(35min);
  REQUIRE(leader.reached_the_origin() == 2);
  leader.origin_sends(1, "HTTP/1.1 200 OK\r\nContent-Length: 3\r\nCache-Control: max-age=60\r\n\r\nnew");
  CHECK(leader.client.taken().body == "new");
  CHECK(follower.client.taken().body == "new");
  CHECK(leader.is_cut_off(0));
  CHECK(leader.reached_the_origin() == 2);
}

TEST_CASE("an answer that comes in time has no hedge, and costs no further connection") {
  Driven request({.hedge = true});
  request.comes(kGet);
  request.origin_sends(kFirst);
  request.stage.pass(45min);
  CHECK(request.has_ended());
  CHECK(request.stage.connections().size() == 1);
}
