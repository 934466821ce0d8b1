// SPDX-License-Identifier: Apache-2.0
#include "filters/health/checked_health.hpp"

#include <doctest/doctest.h>

#include <string>

#include "filters/health/jitter.hpp"

namespace fusewire::health {
namespace {

using namespace std::chrono_literals;
using Change = CheckedHealth::Change;

constexpr CheckedHealth::Thresholds kTwoAndThree{2, 3};
const std::bitset<600> kGood = config::Probe::successes();

// One address and its time: a check a second.
struct Address {
  Change check(CheckResult result, int status = 0) {
    now += 1s;
    return health.record(result, status, kTwoAndThree, now);
  }
  Change passes() { return check(CheckResult::passed, 200); }
  Change fails() { return check(CheckResult::bad_status, 404); }

  CheckedHealth health;
  WallTime now{24h};
};

TEST_CASE("an address is healthy before its first check and until `unhealthy` checks in a row have failed") {
  Address one;
  CHECK_FALSE(one.health.is_unhealthy());
  CHECK(one.fails() == Change::none);
  CHECK(one.fails() == Change::none);
  CHECK(one.passes() == Change::none);
  CHECK(one.fails() == Change::none);
  CHECK(one.fails() == Change::none);
  CHECK_FALSE(one.health.is_unhealthy());
  CHECK(one.fails() == Change::to_unhealthy);
  CHECK(one.health.is_unhealthy());
  CHECK(one.fails() == Change::none);
}

TEST_CASE("an unhealthy one is healthy again after `healthy` checks in a row that have passed") {
  Address one;
  for (int i = 0; i < 3; ++i) one.fails();
  CHECK(one.passes() == Change::none);
  CHECK(one.fails() == Change::none);
  CHECK(one.passes() == Change::none);
  CHECK(one.health.is_unhealthy());
  CHECK(one.passes() == Change::to_healthy);
  CHECK_FALSE(one.health.is_unhealthy());
}

TEST_CASE("a check that was not made counts as neither and is not shown") {
  Address one;
  one.fails();
  one.fails();
  CHECK(one.check(CheckResult::not_made) == Change::none);
  CHECK(one.health.view().last == CheckResult::bad_status);
  CHECK(one.fails() == Change::to_unhealthy);
}

TEST_CASE("what is shown is the last check, and since when the address is what it is") {
  Address one;
  CHECK_FALSE(one.health.view().checked);
  CHECK_FALSE(one.health.view().since);
  one.passes();
  const WallTime first = one.now;
  one.fails();
  CHECK(one.health.view().since == first);
  CHECK(one.health.view().checked == one.now);
  CHECK(one.health.view().status == 404);
  one.fails();
  one.fails();
  CHECK(one.health.view().unhealthy);
  CHECK(one.health.view().since == one.now);
}

TEST_CASE("where something else is checked the rows begin anew, and what is known stays") {
  Address one;
  one.fails();
  one.fails();
  one.health.end_rows();
  CHECK(one.fails() == Change::none);
  one.fails();
  one.fails();
  one.passes();
  one.health.end_rows();
  CHECK(one.health.is_unhealthy());
  CHECK(one.passes() == Change::none);
  one.health.forget();
  CHECK_FALSE(one.health.is_unhealthy());
  CHECK_FALSE(one.health.view().checked);
}

struct Case {
  Outcome outcome;
  int status;
  CheckResult result;
};

TEST_CASE("each outcome of a check has its name, and those that are not the endpoint's doing say nothing of it") {
  for (const Case& c : {Case{Outcome::complete, 200, CheckResult::passed},
                        {Outcome::complete, 204, CheckResult::passed},
                        {Outcome::complete, 302, CheckResult::passed},
                        {Outcome::complete, 404, CheckResult::bad_status},
                        {Outcome::complete, 503, CheckResult::bad_status},
                        {Outcome::complete, 101, CheckResult::bad_status},
                        {Outcome::complete, 777, CheckResult::bad_status},
                        {Outcome::connect_refused, 0, CheckResult::connect_error},
                        {Outcome::connect_unreachable, 0, CheckResult::connect_error},
                        {Outcome::connect_timeout, 0, CheckResult::timeout},
                        {Outcome::tls_error, 0, CheckResult::tls_error},
                        {Outcome::response_timeout, 0, CheckResult::timeout},
                        {Outcome::reset, 0, CheckResult::reset},
                        {Outcome::protocol_error, 0, CheckResult::protocol_error},
                        {Outcome::incomplete, 200, CheckResult::incomplete},
                        {Outcome::resource_exhausted, 0, CheckResult::not_made},
                        {Outcome::cut_off, 0, CheckResult::not_made}}) {
    const CheckResult result = result_of({c.outcome, c.status}, kGood);
    CAPTURE(std::string(to_string(result)));
    CAPTURE(c.status);
    CHECK(result == c.result);
  }
  CHECK(failure_of(CheckResult::bad_status) == breaker::FailureKind::status);
  CHECK(failure_of(CheckResult::tls_error) == breaker::FailureKind::connect_error);
  CHECK(to_string(CheckResult::not_made) == "not_made");
}

TEST_CASE("the first check comes at any moment of the interval, the others an interval apart, give or take a tenth") {
  constexpr Time kNow{1h};
  CHECK(first_after(kNow, 5s, 0) == kNow);
  CHECK(first_after(kNow, 5s, ~std::uint64_t{0}) < kNow + 5s);
  CHECK(first_after(kNow, 5s, ~std::uint64_t{0}) > kNow + 4999ms);
  CHECK(next_after(kNow, 5s, 0) == kNow + 4500ms);
  CHECK(next_after(kNow, 5s, std::uint64_t{1} << 63) == kNow + 5s);
  CHECK(next_after(kNow, 5s, ~std::uint64_t{0}) < kNow + 5501ms);
}

}  // namespace
}  // namespace fusewire::health
