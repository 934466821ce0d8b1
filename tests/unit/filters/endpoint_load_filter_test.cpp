// SPDX-License-Identifier: Apache-2.0
#include "filters/balance/endpoint_load_filter.hpp"

#include <doctest/doctest.h>

#include <cmath>

#include "filters/breaker/classify.hpp"
#include "tests/unit/filters/scene.hpp"

using namespace fusewire;
using namespace fusewire::test;

namespace {

constexpr Time kHead = kStart + 5ms;
constexpr Time kDeadline = kStart + 2s;

struct Fixture : Scene {
  balance::EndpointHealth health{kStart};
  CompiledClassify classify{config::Classify{}};
  ChainContext context;
  std::optional<EndpointLoadFilter> filter;

  Fixture() { context.classify = &classify; }
  // Up to the response's head, 200, of a client that gave a deadline of 2 s.
  void answered() {
    begin(kStart);
    call.deadline_asked = true;
    call.total_at = kDeadline;
    x.begun = kStart;
    x.endpoint.health = &health;
    Reply reply;
    filter.emplace(context).on_endpoint(call, x, reply, kStart);
    x.response_head = kHead;
    x.upstream_status = 200;
    filter->on_head(call, x, kHead);
  }
  void end(Outcome outcome, Time now) {
    x.outcome = outcome;
    filter->on_done(call, x, now);
    CHECK(health.in_flight() == 0);
  }
  bool is_slow(Time now) const { return std::exp2(health.view(now).latency) > 20e6; }
  bool has_failed(Time now) const { return health.view(now).successes < 1; }
};

}  // namespace

TEST_CASE_FIXTURE(Fixture, "an endpoint whose body has not ended by the client's deadline is slow") {
  answered();
  end(Outcome::client_gone, kDeadline);
  CHECK(is_slow(kDeadline));
  CHECK_FALSE(has_failed(kDeadline));
}

TEST_CASE_FIXTURE(Fixture,
                  "a client that leaves in the middle of a body before its deadline says nothing of the endpoint") {
  answered();
  end(Outcome::client_gone, kDeadline - 1ms);
  CHECK_FALSE(is_slow(kDeadline));
}

TEST_CASE_FIXTURE(Fixture,
                  "a client without a deadline that leaves in the middle of a body says nothing of the endpoint") {
  answered();
  call.deadline_asked = false;
  end(Outcome::client_gone, kDeadline + 1h);
  CHECK_FALSE(is_slow(kDeadline + 1h));
}

TEST_CASE_FIXTURE(Fixture, "a body that was late because its client took it slowly says nothing of the endpoint") {
  answered();
  x.waits.response_waits(kHead);
  x.waits.response_taken(kHead + 1s);
  end(Outcome::client_gone, kDeadline);
  CHECK_FALSE(is_slow(kDeadline));
}

TEST_CASE_FIXTURE(Fixture,
                  "a body that breaks off is held against the endpoint, unless its client withheld something") {
  answered();
  SUBCASE("by itself") {
    end(Outcome::incomplete, kDeadline);
    CHECK(has_failed(kDeadline));
  }
  SUBCASE("while its client did not take it") {
    x.client_withheld = true;
    end(Outcome::incomplete, kDeadline);
    CHECK_FALSE(has_failed(kDeadline));
    CHECK_FALSE(is_slow(kDeadline));
  }
}
