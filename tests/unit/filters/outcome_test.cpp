// SPDX-License-Identifier: Apache-2.0
#include "filters/outcome.hpp"

#include <doctest/doctest.h>

#include <set>

using namespace fusewire;

TEST_CASE("what the upstream is at fault for is a failure, a trigger and a flag") {
  for (const OutcomeRow& what : kOutcomes) {
    CAPTURE(static_cast<int>(what.outcome));
    const bool upstream = what.fault == FaultOf::upstream;
    CHECK(what.failure.has_value() == upstream);
    CHECK((what.trigger != Trigger::none) ==
          (upstream || what.outcome == Outcome::overload || what.outcome == Outcome::resource_exhausted));
    CHECK((what.flags != 0) == (what.fault != FaultOf::nobody));
  }
}

TEST_CASE("a fallback is triggered by an outcome as by the answer that it would have got") {
  for (const OutcomeRow& what : kOutcomes) {
    if (what.trigger == Trigger::none) continue;
    CAPTURE(static_cast<int>(what.outcome));
    const Trigger by_answer = row(what.problem).trigger;
    const bool finer = what.trigger == Trigger::incomplete || what.outcome == Outcome::resource_exhausted;
    CHECK((by_answer == what.trigger || finer));
  }
}

TEST_CASE("what a client is answered names its upstream once") {
  for (const OutcomeRow& what : kOutcomes) {
    CAPTURE(what.detail);
    CHECK(what.problem != Problem::none);
    const auto name = what.detail.find("{}");
    REQUIRE(name != std::string_view::npos);
    CHECK(what.detail.find("{}", name + 2) == std::string_view::npos);
  }
}

TEST_CASE("each problem has a name of its own and a status of an error") {
  std::set<std::string_view> names;
  for (const ProblemRow& problem : kProblems) {
    CAPTURE(problem.name);
    CHECK(problem.status >= 400);
    CHECK(problem.status < 600);
    if (problem.problem != Problem::none) CHECK(names.insert(problem.name).second);
  }
}
