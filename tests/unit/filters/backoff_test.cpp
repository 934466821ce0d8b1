// SPDX-License-Identifier: Apache-2.0
#include "filters/retry/backoff.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <array>
#include <limits>
#include <random>
#include <string>
#include <string_view>

using namespace fusewire;
using namespace std::chrono_literals;

namespace {

constexpr std::uint64_t kAll = std::numeric_limits<std::uint64_t>::max();
// Sun, 06 Nov 1994 08:49:37 GMT
constexpr WallTime kNow{784111777s};

std::optional<milliseconds> asked(std::initializer_list<std::string_view> values, WallTime now = kNow) {
  Fields fields;
  fields.add("Content-Type", "text/plain");
  for (const std::string_view value : values) fields.add("Retry-After", value);
  return retry_after(fields, now);
}

}  // namespace

TEST_CASE("the ceiling of the wait doubles with each retry, up to the maximum") {
  constexpr std::array<milliseconds, 6> kCeilings = {25ms, 50ms, 100ms, 200ms, 250ms, 250ms};
  for (unsigned n = 0; n < kCeilings.size(); ++n) {
    CHECK(full_jitter(25ms, 250ms, n, 0) == 0ms);
    CHECK(full_jitter(25ms, 250ms, n, kAll) == kCeilings[n]);
  }
}

TEST_CASE("every wait from nothing to the ceiling is equally likely") {
  constexpr int kDraws = 260'000;
  std::mt19937_64 random(7);
  std::array<int, 26> drawn{};
  for (int i = 0; i < kDraws; ++i)
    ++drawn.at(static_cast<std::size_t>(full_jitter(25ms, 250ms, 0, random()).count()));  // throws beyond 25 ms
  for (const int times : drawn) {
    CHECK(times > 9'500);
    CHECK(times < 10'500);
  }
}

TEST_CASE("no number of retries, base or maximum overflows") {
  CHECK(full_jitter(25ms, 250ms, 1'000'000, kAll) == 250ms);
  CHECK(full_jitter(milliseconds::max(), milliseconds::max(), 63, kAll) == milliseconds((std::int64_t{1} << 31) - 1));
  CHECK(full_jitter(1ms, 1h, 21, kAll) == 2'097'152ms);
  CHECK(full_jitter(1ms, 1h, 22, kAll) == 1h);
  CHECK(full_jitter(300ms, 250ms, 0, kAll) == 250ms);
  CHECK(full_jitter(0ms, 250ms, 5, kAll) == 0ms);
  CHECK(full_jitter(25ms, 0ms, 5, kAll) == 0ms);
  CHECK(full_jitter(-25ms, 250ms, 5, kAll) == 0ms);
  CHECK(full_jitter(25ms, -250ms, 5, kAll) == 0ms);
}

TEST_CASE("Retry-After is read as seconds") {
  CHECK(asked({"0"}) == 0ms);
  CHECK(asked({"7"}) == 7s);
  CHECK(asked({"0007"}) == 7s);
  CHECK_FALSE(asked({}));
}

TEST_CASE("Retry-After is read as a date in each of its forms, to the millisecond") {
  CHECK(asked({"Sun, 06 Nov 1994 08:49:40 GMT"}) == 3s);
  CHECK(asked({"Sunday, 06-Nov-94 08:49:40 GMT"}) == 3s);
  CHECK(asked({"Sun Nov  6 08:49:40 1994"}) == 3s);
  CHECK(asked({"Sun, 06 Nov 1994 08:49:40 GMT"}, kNow + 250ms) == 2750ms);
}

TEST_CASE("a date that is past asks for no wait") {
  CHECK(asked({"Sun, 06 Nov 1994 08:49:37 GMT"}, kNow + 999ms) == 0ms);
  CHECK(asked({"Sat, 06 Nov 1993 08:49:37 GMT"}) == 0ms);
  CHECK(asked({"Thu, 01 Jan 0001 00:00:00 GMT"}) == 0ms);
}

TEST_CASE("a wish for more than a day is cut to a day") {
  CHECK(asked({"86400"}) == 24h);
  CHECK(asked({"86401"}) == 24h);
  CHECK(asked({std::string(5000, '9')}) == 24h);
  CHECK(asked({"Fri, 31 Dec 9999 23:59:59 GMT"}) == 24h);
}

TEST_CASE("a malformed Retry-After is ignored") {
  for (const std::string_view value : {"", "-1", "+1", "1.5", "1s", "1 ", " 1", "0x10", "1,2", "soon",
                                       "Sun, 06 Nov 1994 08:49:37 CET", "Sun, 32 Nov 1994 08:49:37 GMT"}) {
    CAPTURE(value);
    CHECK_FALSE(asked({value}));
  }
}

TEST_CASE("of several Retry-After fields the longest well-formed one counts, whatever their case") {
  CHECK(asked({"2", "9", "soon", "4"}) == 9s);
  Fields fields;
  fields.add("RETRY-AFTER", "2");
  CHECK(retry_after(fields, kNow) == 2s);
}
