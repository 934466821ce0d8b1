// SPDX-License-Identifier: Apache-2.0
#include "proxy/probe/probed_breakers.hpp"

#include <doctest/doctest.h>

using namespace fusewire;
using namespace fusewire::proxy;
using namespace std::chrono_literals;

TEST_CASE("an address that failed health checks which are turned off now takes requests") {
  const Time now{1h};
  config::Upstream orders;
  AddressState address("orders/10.0.0.1:80", orders.circuit_breaker, now, 1);
  for (int i = 0; i < 3; ++i) address.checked.record(health::CheckResult::reset, 0, {}, {});
  CHECK(takes_requests(address, orders));
  orders.health_check.emplace();
  CHECK_FALSE(takes_requests(address, orders));
  address.checked.forget();
  CHECK(takes_requests(address, orders));
  for (int i = 0; i < 5; ++i)
    std::get<breaker::Permit>(address.breaker.try_acquire(now)).failure(breaker::FailureKind::status, now);
  CHECK_FALSE(takes_requests(address, orders));
}
