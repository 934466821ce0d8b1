// SPDX-License-Identifier: Apache-2.0
#include "filters/http_date.hpp"

#include <doctest/doctest.h>

#include <string>

#include "tests/unit/filters/scene.hpp"

using namespace fusewire;
using namespace fusewire::test;

namespace {

std::string formatted(HttpTime at) {
  const auto text = format_http_date(at);
  return {text.data(), text.size()};
}

}  // namespace

TEST_CASE("all three forms of RFC 9110 are read as the same instant") {
  for (const char* text :
       {"Sun, 06 Nov 1994 08:49:37 GMT", "Sunday, 06-Nov-94 08:49:37 GMT", "Sun Nov  6 08:49:37 1994"}) {
    CAPTURE(text);
    CHECK(parse_http_date(text, kWall) == kWall);
  }
}

TEST_CASE("an asctime date may have a day of two digits") {
  CHECK(parse_http_date("Wed Nov 16 08:49:37 1994", kWall) == kWall + 240h);
}

TEST_CASE("a date is matched case-blind, as a cache should") {
  CHECK(parse_http_date("sun, 06 nov 1994 08:49:37 gmt", kWall) == kWall);
}

TEST_CASE("a two-digit year more than 50 years ahead is in the past century") {
  using namespace std::chrono;
  const HttpTime now = sys_days{year{2026} / 6 / 1};
  CHECK(parse_http_date("Monday, 01-Jan-76 00:00:00 GMT", now) == HttpTime(sys_days{year{2076} / 1 / 1}));
  CHECK(parse_http_date("Saturday, 01-Jan-77 00:00:00 GMT", now) == HttpTime(sys_days{year{1977} / 1 / 1}));
}

TEST_CASE("what is not a date is refused") {
  for (const char* text :
       {"", "0", "-1", "Sun", "Sun, 06 Nov 1994 08:49:37", "Sun, 06 Nov 1994 08:49:37 UTC",
        "Sun, 06 Nov 1994 08:49:37 GMT ", "Sun, 31 Feb 1994 08:49:37 GMT", "Sun, 06 Nov 1994 24:00:00 GMT",
        "Sun, 06 Nov 1994 08:60:37 GMT", "Sun, 06 Nov 1994 08:49:61 GMT", "Sun, 6 Nov 1994 08:49:37 GMT",
        "Xyz, 06 Nov 1994 08:49:37 GMT", "Sun, 06 Foo 1994 08:49:37 GMT", "Sunday, 06-Nov-1994 08:49:37 GMT",
        "Sun Nov 06 08:49:37 94", "Sun, +6 Nov 1994 08:49:37 GMT", "Sun, 00 Nov 1994 08:49:37 GMT"}) {
    CAPTURE(text);
    CHECK_FALSE(parse_http_date(text, kWall));
  }
}

TEST_CASE("a leap second is read") {
  CHECK(parse_http_date("Sat, 31 Dec 2016 23:59:60 GMT", kWall) ==
        parse_http_date("Sun, 01 Jan 2017 00:00:00 GMT", kWall));
}

TEST_CASE("the first and the last year that can be written are read and written back") {
  for (const char* text : {"Sat, 01 Jan 0000 00:00:00 GMT", "Fri, 31 Dec 9999 23:59:59 GMT"}) {
    const auto at = parse_http_date(text, kWall);
    REQUIRE(at);
    CHECK(formatted(*at) == text);
  }
}

TEST_CASE("a date is written as IMF-fixdate") {
  CHECK(formatted(kWall) == kDate);
  CHECK(format_http_date(WallTime(kWall) + 999ms) == format_http_date(kWall));
  CHECK(formatted(HttpTime{}) == "Thu, 01 Jan 1970 00:00:00 GMT");
  CHECK(formatted(HttpTime{} - 1s) == "Wed, 31 Dec 1969 23:59:59 GMT");
}

TEST_CASE("what is written is read back") {
  for (HttpTime at{}; at < HttpTime{} + 24h * 365 * 80; at += 24h * 13 + 3h + 7min + 11s)
    CHECK(parse_http_date(formatted(at), kWall) == at);
}
