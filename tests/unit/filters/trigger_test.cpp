// SPDX-License-Identifier: Apache-2.0
#include "filters/fallback/trigger.hpp"

#include <doctest/doctest.h>

#include "tests/unit/filters/scene.hpp"

using namespace fusewire;
using namespace fusewire::test;

namespace {

Trigger trigger(Outcome outcome, Problem problem) {
  Scene scene;
  return trigger_of(scene.call, scene.problem(outcome, problem, 502));
}

bool falls(Outcome outcome, Problem problem, const config::Conditions& on) {
  Scene scene;
  scene.upstream.fallback.on = on;
  return falls_back(scene.call, scene.problem(outcome, problem, 502));
}

}  // namespace

TEST_CASE("every way to fail has its name, by the outcome first") {
  CHECK(trigger(Outcome::local, Problem::circuit_breaker_open) == Trigger::breaker_open);
  CHECK(trigger(Outcome::local, Problem::total_timeout) == Trigger::timeout);
  CHECK(trigger(Outcome::overload, Problem::concurrency_limit) == Trigger::overload);
  CHECK(trigger(Outcome::local, Problem::concurrency_limit) == Trigger::overload);
  CHECK(trigger(Outcome::resource_exhausted, Problem::connect_failed) == Trigger::overload);
  for (Outcome outcome :
       {Outcome::connect_refused, Outcome::connect_unreachable, Outcome::dns_error, Outcome::tls_error})
    CHECK(trigger(outcome, Problem::connect_failed) == Trigger::connect_error);
  CHECK(trigger(Outcome::connect_timeout, Problem::connect_timeout) == Trigger::timeout);
  CHECK(trigger(Outcome::dns_timeout, Problem::connect_timeout) == Trigger::timeout);
  CHECK(trigger(Outcome::response_timeout, Problem::response_timeout) == Trigger::timeout);
  CHECK(trigger(Outcome::total_timeout, Problem::total_timeout) == Trigger::timeout);
  CHECK(trigger(Outcome::idle_timeout, Problem::response_timeout) == Trigger::timeout);
  CHECK(trigger(Outcome::reset, Problem::upstream_reset) == Trigger::reset);
  CHECK(trigger(Outcome::protocol_error, Problem::upstream_protocol_error) == Trigger::protocol_error);
  CHECK(trigger(Outcome::incomplete, Problem::upstream_reset) == Trigger::incomplete);
}

TEST_CASE("where the outcome says nothing the problem does") {
  CHECK(trigger(Outcome::pending, Problem::connect_failed) == Trigger::connect_error);
  CHECK(trigger(Outcome::pending, Problem::connect_timeout) == Trigger::timeout);
  CHECK(trigger(Outcome::pending, Problem::upstream_reset) == Trigger::reset);
  CHECK(trigger(Outcome::pending, Problem::upstream_protocol_error) == Trigger::protocol_error);
}

TEST_CASE("the client's own mistakes, and a loop, are never a fallback's matter") {
  for (Problem problem :
       {Problem::no_route, Problem::bad_request, Problem::method_not_allowed, Problem::uri_too_long,
        Problem::headers_too_large, Problem::body_too_large, Problem::request_timeout, Problem::not_implemented,
        Problem::version_not_supported, Problem::loop_detected, Problem::not_cached, Problem::none}) {
    CAPTURE(static_cast<int>(problem));
    CHECK(trigger(Outcome::local, problem) == Trigger::none);
    CHECK(trigger(Outcome::client_fault, problem) == Trigger::none);
    CHECK(trigger(Outcome::reset, problem) == Trigger::none);
  }
  CHECK(trigger(Outcome::client_gone, Problem::upstream_reset) == Trigger::none);
  CHECK(trigger(Outcome::client_fault, Problem::upstream_reset) == Trigger::none);
}

TEST_CASE("by default all names fall back; each can be left out") {
  struct Row {
    bool config::Conditions::*name;
    Outcome outcome;
    Problem problem;
  };
  const Row rows[] = {{&config::Conditions::breaker_open, Outcome::local, Problem::circuit_breaker_open},
                      {&config::Conditions::connect_error, Outcome::dns_error, Problem::connect_failed},
                      {&config::Conditions::timeout, Outcome::connect_timeout, Problem::connect_timeout},
                      {&config::Conditions::reset, Outcome::reset, Problem::upstream_reset},
                      {&config::Conditions::protocol_error, Outcome::protocol_error, Problem::upstream_protocol_error},
                      {&config::Conditions::incomplete, Outcome::incomplete, Problem::upstream_reset},
                      {&config::Conditions::overload, Outcome::overload, Problem::concurrency_limit}};
  for (const Row& row : rows) {
    CAPTURE(static_cast<int>(row.problem));
    config::Conditions on = config::Fallback::defaults();
    CHECK(falls(row.outcome, row.problem, on));
    on.*row.name = false;
    CHECK_FALSE(falls(row.outcome, row.problem, on));
  }
}

TEST_CASE("a status matches the upstream's answer, never ours") {
  Scene scene;
  for (int status : {500, 502, 503, 504}) {
    scene.response.status = status;
    CHECK(falls_back(scene.call, scene.head(kStart)));
  }
  for (int status : {200, 404, 429, 501, 505}) {
    scene.response.status = status;
    CHECK_FALSE(falls_back(scene.call, scene.head(kStart)));
  }
  config::Conditions on = config::Fallback::defaults();
  on.timeout = false;  // 504 stays listed
  CHECK_FALSE(falls(Outcome::response_timeout, Problem::response_timeout, on));
}

TEST_CASE("what a filter has answered stands") {
  Scene scene;
  Reply reply;
  reply.origin = Reply::Origin::stored;
  reply.status = 503;
  CHECK_FALSE(falls_back(scene.call, reply));
}

TEST_CASE("details have the spelling that Cache-Status and the documentation use") {
  CHECK(detail_of(Trigger::breaker_open) == "circuit-open");
  CHECK(detail_of(Trigger::connect_error) == "connect-error");
  CHECK(detail_of(Trigger::timeout) == "timeout");
  CHECK(detail_of(Trigger::reset) == "reset");
  CHECK(detail_of(Trigger::protocol_error) == "protocol-error");
  CHECK(detail_of(Trigger::incomplete) == "incomplete");
  CHECK(detail_of(Trigger::overload) == "overload");
  CHECK(detail_of(Trigger::status) == "status");
}
