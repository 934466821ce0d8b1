// SPDX-License-Identifier: Apache-2.0
#include "proxy/webhooks/retry_plan.hpp"

#include <doctest/doctest.h>

#include "tests/unit/proxy/webhooks/notices.hpp"

using namespace fusewire;
using namespace fusewire::testing;
using namespace std::chrono_literals;
using proxy::AttemptEnd;
using proxy::judge_attempt;
using proxy::pause_after;

TEST_CASE("webhooks: another attempt follows no answer, 408, 429 and 5xx; a redirect is refused") {
  for (const int status : {200, 202, 204}) CHECK(judge_attempt(status) == AttemptEnd::taken);
  for (const int status : {0, 408, 429, 500, 503, 599}) CHECK(judge_attempt(status) == AttemptEnd::again);
  for (const int status : {301, 302, 307, 308, 400, 401, 403, 404, 410})
    CHECK(judge_attempt(status) == AttemptEnd::refused);
}

TEST_CASE("webhooks: pauses double from half a second to half a minute, half of each by chance") {
  CHECK(pause_after(1, "", 1, kMorning) == 500ms);
  CHECK(pause_after(1, "", 0, kMorning) == 250ms);
  CHECK(pause_after(2, "", 1, kMorning) == 1s);
  CHECK(pause_after(3, "", 0.5, kMorning) == 1500ms);
  CHECK(pause_after(7, "", 1, kMorning) == 30s);
  CHECK(pause_after(4'000'000'000, "", 1, kMorning) == 30s);
}

TEST_CASE("webhooks: Retry-After in seconds or as a date makes a pause longer, up to a minute") {
  CHECK(pause_after(1, "7", 1, kMorning) == 7s);
  CHECK(pause_after(1, "0", 1, kMorning) == 500ms);
  CHECK(pause_after(1, "86400", 1, kMorning) == 60s);
  CHECK(pause_after(1, "Sat, 31 Jan 2026 08:15:35 GMT", 1, kMorning) == 5s);
  CHECK(pause_after(1, "Sat, 31 Jan 2026 08:15:00 GMT", 1, kMorning) == 500ms);
  for (const char* nonsense : {"-5", "soon", "5s", "99999999999999999999"})
    CHECK(pause_after(1, nonsense, 1, kMorning) == 500ms);
}
