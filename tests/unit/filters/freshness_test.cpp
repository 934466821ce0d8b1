// SPDX-License-Identifier: Apache-2.0
#include "filters/cache/freshness.hpp"

#include <doctest/doctest.h>

#include "tests/unit/filters/scene.hpp"

using namespace fusewire;
using namespace fusewire::cache;
using namespace fusewire::test;

namespace {

constexpr Received kAtOnce{kStart, kStart, kWall};

std::optional<Freshness> freshness(FieldPairs fields, int status = 200, Received when = kAtOnce,
                                   double fraction = 0.1) {
  Response response = ok(fields);
  response.status = status;
  return freshness_of(response, response_directives(response.fields), when, fraction);
}

}  // namespace

TEST_CASE("s-maxage wins over max-age, max-age over Expires, Expires over a guess") {
  const std::string_view later = "Sun, 06 Nov 1994 08:50:37 GMT";  // a minute after kDate
  const std::string_view before = "Sun, 06 Nov 1994 08:48:57 GMT";
  CHECK(freshness({{"Cache-Control", "max-age=20, s-maxage=10"}, {"Expires", later}})->lifetime == 10s);
  CHECK(freshness({{"Cache-Control", "max-age=20"}, {"Expires", later}})->lifetime == 20s);
  CHECK(freshness({{"Date", kDate}, {"Expires", later}, {"Last-Modified", before}})->lifetime == 60s);
  CHECK(freshness({{"Date", kDate}, {"Last-Modified", before}})->lifetime == 4s);
}

TEST_CASE("only a stated lifetime is explicit") {
  CHECK(freshness({{"Cache-Control", "max-age=20"}})->is_explicit);
  CHECK(freshness({{"Expires", "0"}})->is_explicit);
  CHECK_FALSE(freshness({{"Last-Modified", "Sun, 06 Nov 1994 08:00:00 GMT"}})->is_explicit);
}

TEST_CASE("an Expires that is past, invalid or doubled is no freshness") {
  for (const char* expires : {"0", "-1", "soon", "Sun, 06 Nov 1994 08:49:37 GMT", "Sat, 05 Nov 1994 08:49:37 GMT"}) {
    CAPTURE(expires);
    CHECK(freshness({{"Date", kDate}, {"Expires", expires}})->lifetime == 0s);
  }
  CHECK(freshness({{"Expires", "Sun, 06 Nov 1994 08:50:37 GMT"}, {"Expires", "Sun, 06 Nov 1994 09:50:37 GMT"}})
            ->lifetime == 0s);
}

TEST_CASE("Expires is held against the Date, or the time of receipt where there is none") {
  CHECK(freshness({{"Date", "Sun, 06 Nov 1994 08:49:07 GMT"}, {"Expires", kDate}})->lifetime == 30s);
  CHECK(freshness({{"Expires", "Sun, 06 Nov 1994 08:49:57 GMT"}})->lifetime == 20s);
  CHECK(freshness({{"Date", "garbage"}, {"Expires", "Sun, 06 Nov 1994 08:49:57 GMT"}})->lifetime == 20s);
}

TEST_CASE(
    "nothing is guessed without a Last-Modified, from one in the future, or for statuses that are not heuristic") {
  CHECK_FALSE(freshness({}));
  CHECK_FALSE(freshness({{"Cache-Control", "public"}}));
  CHECK_FALSE(freshness({{"Last-Modified", "Mon, 07 Nov 1994 08:49:37 GMT"}}));
  CHECK_FALSE(freshness({{"Last-Modified", "yesterday"}}));
  CHECK_FALSE(freshness({{"Last-Modified", "Sat, 05 Nov 1994 08:49:37 GMT"}}, 302));
  CHECK(freshness({{"Last-Modified", "Sat, 05 Nov 1994 08:49:37 GMT"}, {"Cache-Control", "public"}}, 302));
}

TEST_CASE("a guess is heuristic_fraction of the time since Last-Modified") {
  const FieldPairs fields = {{"Last-Modified", "Sat, 05 Nov 1994 08:49:37 GMT"}};
  CHECK(freshness(fields, 200, kAtOnce, 0.1)->lifetime == 8640s);
  CHECK(freshness(fields, 200, kAtOnce, 0.5)->lifetime == 43200s);
  CHECK(freshness(fields, 200, kAtOnce, 0.0)->lifetime == 0s);
}

TEST_CASE("the age starts at the larger of Date's and Age's, the request's delay added to Age") {
  const Received slow{kStart, kStart + 3s, kWall + 3s};
  CHECK(freshness({{"Cache-Control", "max-age=60"}, {"Date", kDate}}, 200, kAtOnce)->initial_age == 0s);
  CHECK(freshness({{"Cache-Control", "max-age=60"}, {"Date", kDate}}, 200, slow)->initial_age == 3s);
  CHECK(freshness({{"Cache-Control", "max-age=60"}, {"Age", "10"}}, 200, slow)->initial_age == 13s);
  CHECK(freshness({{"Cache-Control", "max-age=60"}, {"Date", "Sun, 06 Nov 1994 08:49:07 GMT"}, {"Age", "10"}})
            ->initial_age == 30s);
}

TEST_CASE("an Age that is no number is ignored, of a list the first counts") {
  CHECK(freshness({{"Cache-Control", "max-age=60"}, {"Age", "x"}})->initial_age == 0s);
  CHECK(freshness({{"Cache-Control", "max-age=60"}, {"Age", "-5"}})->initial_age == 0s);
  CHECK(freshness({{"Cache-Control", "max-age=60"}, {"Age", "7, 9"}})->initial_age == 7s);
}

TEST_CASE("a Date in the future makes nothing younger than new") {
  CHECK(freshness({{"Cache-Control", "max-age=60"}, {"Date", "Mon, 07 Nov 1994 08:49:37 GMT"}})->initial_age == 0s);
}

TEST_CASE("fresh until the lifetime is over, stale from then on") {
  const auto f = *freshness({{"Cache-Control", "max-age=60"}, {"Age", "10"}});
  CHECK(f.fresh(kStart + 49999ms));
  CHECK(f.ttl(kStart + 49999ms) == 1s);
  CHECK_FALSE(f.fresh(kStart + 50s));
  CHECK(f.ttl(kStart + 50s) == 0s);
  CHECK(f.staleness(kStart + 92s) == 42s);
  CHECK(f.ttl(kStart + 92s) == -42s);
  CHECK(f.age_seconds(kStart + 92900ms) == 102s);
}

TEST_CASE("max-age=0 is stale at once") { CHECK_FALSE(freshness({{"Cache-Control", "max-age=0"}})->fresh(kStart)); }

TEST_CASE("a step of the wall clock changes no age") {
  const Received stepped{kStart, kStart + 1s, kWall + 24h};  // the clock was set while the upstream answered
  const auto f = *freshness({{"Cache-Control", "max-age=60"}}, 200, stepped);
  CHECK(f.initial_age == 1s);
  CHECK(f.age(kStart + 11s) == 11s);
}

TEST_CASE("the exchange says when its response came, on both clocks") {
  Scene scene;
  const Received when = received(scene.call, kStart + 2s);
  CHECK(when.requested == kStart);
  CHECK(when.at == kStart + 2s);
  CHECK(when.wall == kWall + 2s);
}

TEST_CASE("dates at the ends of the calendar are as far away as the largest age, and no more") {
  const std::string_view first = "Sat, 01 Jan 0000 00:00:00 GMT";
  const std::string_view last = "Fri, 31 Dec 9999 23:59:59 GMT";
  CHECK(freshness({{"Cache-Control", "max-age=60"}, {"Date", first}})->initial_age == kMaxDelta);
  CHECK(freshness({{"Date", first}, {"Expires", last}})->lifetime == kMaxDelta);
  CHECK_FALSE(freshness({{"Date", last}, {"Last-Modified", first}}));
  CHECK(freshness({{"Date", last}, {"Last-Modified", kDate}}, 200, kAtOnce, 1.0)->lifetime == 24h);
}

TEST_CASE("a guess is a day at most, and a Last-Modified from before the web is none") {
  CHECK(freshness({{"Last-Modified", "Thu, 06 Oct 1994 08:49:37 GMT"}})->lifetime == 24h);
  CHECK(freshness({{"Last-Modified", "Mon, 01 Jan 1990 00:00:00 GMT"}})->lifetime == 24h);
  CHECK_FALSE(freshness({{"Last-Modified", "Sun, 31 Dec 1989 23:59:59 GMT"}}));
  CHECK_FALSE(freshness({{"Last-Modified", "Thu, 01 Jan 1970 00:00:00 GMT"}}));
}

TEST_CASE("a response's delay begins when its request was let go, not while that waited here") {
  Scene scene;
  scene.x.begun = kStart + 5s;
  CHECK(received(scene.call, kStart + 6s).requested == kStart + 5s);
  CHECK(received(scene.call, kStart + 6s).wall == kWall + 6s);
}
