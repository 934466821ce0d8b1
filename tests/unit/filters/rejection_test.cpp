// SPDX-License-Identifier: Apache-2.0
#include "filters/breaker/rejection.hpp"

#include <doctest/doctest.h>

#include "tests/unit/filters/scene.hpp"

using namespace fusewire;
using namespace fusewire::test;
using breaker::Reason;
using breaker::RejectedBy;

namespace {

std::string sentence(const breaker::Trip* trip, RejectedBy by = RejectedBy::open,
                     std::optional<milliseconds> left = 12400ms) {
  Scene scene;
  scene.upstream.circuit_breaker.detection.failure_count = config::FailureCount{.threshold = 5, .window = 300s};
  return rejection_sentence(scene.upstream.name, scene.upstream.circuit_breaker, {by, left}, trip);
}

std::string because(Reason reason, double value, breaker::WindowFigures window = {}) {
  breaker::Trip trip;
  trip.reason = reason;
  trip.value = value;
  trip.window = window;
  return sentence(&trip);
}

}  // namespace

TEST_CASE("each reason has its sentence, with its figures") {
  const std::string before = "circuit breaker 'orders' is open: ";
  const std::string after = "; next trial in 12.4 s";
  CHECK(because(Reason::consecutive_failures, 5) == before + "5 failures in a row" + after);
  CHECK(because(Reason::consecutive_failures, 1) == before + "1 failure in a row" + after);
  CHECK(because(Reason::consecutive_slow_calls, 5) == before + "5 calls in a row slower than 5 s" + after);
  CHECK(because(Reason::consecutive_slow_calls, 1) == before + "1 call in a row slower than 5 s" + after);
  CHECK(because(Reason::failure_count, 7) == before + "7 failures within 300 s" + after);
  CHECK(because(Reason::failure_rate, 0.615, {.ended = 13}) == before + "62 % of 13 calls failed" + after);
  CHECK(because(Reason::slow_call_rate, 1, {.judged = 1}) == before + "100 % of 1 call were slow" + after);
  CHECK(because(Reason::probe_failed, 1) == before + "a trial call failed" + after);
  CHECK(because(Reason::half_open_timeout, 3) == before + "the trial calls did not end in time" + after);
}

TEST_CASE("what is not known is left out") {
  CHECK(sentence(nullptr) == "circuit breaker 'orders' is open; next trial in 12.4 s");
  CHECK(sentence(nullptr, RejectedBy::open, std::nullopt) == "circuit breaker 'orders' is open");
}

TEST_CASE("times are rounded up to tenths") {
  CHECK(sentence(nullptr, RejectedBy::open, 30000ms) == "circuit breaker 'orders' is open; next trial in 30 s");
  CHECK(sentence(nullptr, RejectedBy::open, 1ms) == "circuit breaker 'orders' is open; next trial in 0.1 s");
}

TEST_CASE("half-open, forced open and a ramp say so") {
  CHECK(sentence(nullptr, RejectedBy::half_open, 0ms) ==
        "circuit breaker 'orders' is half-open: its trial calls are still running");
  CHECK(sentence(nullptr, RejectedBy::forced_open, 600s) ==
        "circuit breaker 'orders' is forced open by an operator for another 600 s");
  CHECK(sentence(nullptr, RejectedBy::forced_open, std::nullopt) ==
        "circuit breaker 'orders' is forced open by an operator");
  CHECK(sentence(nullptr, RejectedBy::ramp, 0ms) ==
        "circuit breaker 'orders' is closed again, but for now admits only a growing share of calls");
}

TEST_CASE("the reply is CircuitBreakerOpen with state and time left") {
  Scene scene;
  const std::pair<RejectedBy, std::string_view> rows[] = {{RejectedBy::open, "open"},
                                                          {RejectedBy::half_open, "half_open"},
                                                          {RejectedBy::forced_open, "forced_open"},
                                                          {RejectedBy::ramp, "ramp"}};
  for (const auto& [by, state] : rows) {
    const Reply reply = rejection_reply(scene.upstream.name, scene.upstream.circuit_breaker, {by, 1234ms}, nullptr);
    CHECK(reply.origin == Reply::Origin::problem);
    CHECK(reply.problem == Problem::circuit_breaker_open);
    CHECK(reply.status == 503);
    CHECK(reply.state == state);
    CHECK(reply.retry_after == 1234ms);
    CHECK_FALSE(reply.detail.empty());
  }
}
