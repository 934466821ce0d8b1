// SPDX-License-Identifier: Apache-2.0
// The story that this proxy exists for, in seven steps.
#include <string>

#include "tests/support/rig.hpp"

using namespace fusewire::testing;

namespace {

double state(const Rig& rig) { return rig.proxy.metric("circuit_breaker_state{name=\"orders\"}"); }

double transitions(const Rig& rig, const std::string& from, const std::string& to) {
  return rig.proxy.metric("circuit_breaker_transitions_total{name=\"orders\",from=\"" + from + "\",to=\"" + to + "\"}");
}

}  // namespace

TEST_CASE("failover: start, closed, break, open after five failures, half-open, restore, closed") {
  // 1. Start: proxy and upstream.
  Rig rig(scripts::ok("alive"), "    circuit_breaker: {transitions: {open_timeout: 1s, backoff: {jitter: 0}}}\n");
  CHECK(rig.proxy.get("/").body == "alive");

  // 2. Closed, in the metrics too.
  CHECK(state(rig) == 0);
  CHECK(transitions(rig, "closed", "open") == 0);

  // 3. The upstream dies.
  rig.upstream.kill();

  // 4. Exactly five failures, then open: refused at once, with the time of the next trial.
  for (int i = 0; i < 5; ++i) check_problem(rig.proxy.get("/"), 502, "ConnectFailed", "connection_refused");
  CHECK(state(rig) == 1);
  const Response rejected = rig.proxy.get("/");
  check_problem(rejected, 503, "CircuitBreakerOpen", "destination_unavailable");
  CHECK(rejected.field("Retry-After") == "1");
  CHECK(rig.proxy.metric("circuit_breaker_requests_total{name=\"orders\",result=\"failure\"}") == 5);
  CHECK(rig.proxy.metric("circuit_breaker_requests_total{name=\"orders\",result=\"rejected\"}") == 1);
  CHECK(rig.proxy.metric("circuit_breaker_open_remaining_seconds{name=\"orders\"}") > 0);

  // 5. Half-open after the timeout: one trial, which meets the dead upstream and opens again.
  CHECK(eventually([&] { return rig.proxy.get("/").status == 502; }));
  CHECK(transitions(rig, "open", "half_open") == 1);
  CHECK(transitions(rig, "half_open", "open") == 1);
  CHECK(state(rig) == 1);

  // 6. The upstream is back; the next trial meets it.
  rig.upstream.start();
  CHECK(eventually([&] { return rig.proxy.get("/").body == "alive"; }));
  CHECK(state(rig) == 2);

  // 7. Two more successes close it.
  CHECK(rig.proxy.get("/").body == "alive");
  CHECK(rig.proxy.get("/").body == "alive");
  CHECK(state(rig) == 0);
  CHECK(transitions(rig, "half_open", "closed") == 1);
  CHECK(transitions(rig, "closed", "open") == 1);
}
