// SPDX-License-Identifier: Apache-2.0
#include <doctest/doctest.h>

#include "proxy/admin/explain_step.hpp"
#include "proxy/admin/explain_view.hpp"
#include "tests/unit/proxy/admin/calls.hpp"
#include "tests/unit/proxy/observe/records.hpp"

using namespace fusewire;
using namespace fusewire::proxy;
using namespace fusewire::proxy::admin;
using namespace fusewire::proxy::testing;

namespace {

RecordedAttempt attempt(std::uint32_t begun_us, Outcome outcome, int status) {
  RecordedAttempt made;
  made.facts.begun_us = begun_us;
  made.facts.outcome = outcome;
  made.facts.status = static_cast<std::uint16_t>(status);
  made.facts.head_us = status != 0 ? begun_us + 12'000 : kNoValue;
  made.facts.ended_us = begun_us + 12'500;
  made.facts.tries = 1;
  made.facts.kept_connection = true;
  made.texts = {"http://orders", "10.0.0.1:80", ""};
  return made;
}

RecordedCall permitted() {
  RecordedCall call;
  call.facts.permitted_us = 3;
  call.facts.total_us = 30'000'000;
  call.facts.answered = true;
  return call;
}

std::vector<std::string> sentences(const JournalEntry& entry) {
  std::vector<std::string> all;
  for (const ExplainStep& step : explain_steps(entry)) all.push_back(step.sentence);
  return all;
}

}  // namespace

TEST_CASE("a request that was tried twice is told step by step, in the order of time") {
  Recorded request = recorded("id");
  RecordedCall call = permitted();
  call.facts.verdict = Verdict::success;
  call.facts.ended_us = 30'000;
  call.notes = {
      {.what = Decision::retry_made, .detail = static_cast<std::uint8_t>(Trigger::reset), .value = 5, .at_us = 12'510}};
  call.attempts = {attempt(3, Outcome::reset, 0), attempt(17'600, Outcome::complete, 200)};
  request.calls = {call};
  CHECK(sentences(read_back(request)) ==
        std::vector<std::string>{
            "it came to listener 'main' and took route 'all' to upstream 'orders'",
            "circuit breaker 'orders' let it pass",
            "an answer had to begin within 30 s of the request",
            "attempt 1 went to http://orders (10.0.0.1:80) on a kept connection: reset after 12.5 ms",
            "another attempt was made on reset, after 5 ms",
            "attempt 2 went to http://orders (10.0.0.1:80) on a kept connection: it answered 200 after 12 ms",
            "circuit breaker 'orders' counted it as a success",
            "answered 200 by http://orders after 31 ms, at attempt 2",
        });
}

TEST_CASE("a rejection says why the breaker was open, and what stood in for the answer") {
  Recorded request = recorded("id");
  request.facts.flags = bits(Flag::circuit_open, Flag::fallback);
  RecordedCall call;
  call.facts.flags = bits(Flag::fallback, Flag::cache_stale);
  call.facts.answered = true;
  call.notes = {{.what = Decision::breaker_rejected, .number = 1, .value = 12'400},
                {.what = Decision::fallback_begun, .detail = static_cast<std::uint8_t>(Trigger::breaker_open)},
                {.what = Decision::fallback_step, .value = 61'000}};
  request.calls = {call};
  const auto told = sentences(read_back(request));
  REQUIRE(told.size() == 5);
  CHECK(told[1] ==
        "circuit breaker 'orders' rejected it: it was open by consecutive_failures; the next trial was due in 12.4 s");
  CHECK(told[2] == "the fallback took over on circuit-open");
  CHECK(told[3] == "fallback step 'cache' answered, with a response 61 s old");
  CHECK(told[4] == "answered 200 by the fallback step 'cache' after 31 ms");
}

TEST_CASE("each decision has words of its own") {
  std::vector<std::string> seen;
  for (std::size_t i = 0; i < kDecisions; ++i) {
    Recorded request = recorded("id");
    RecordedCall call;
    call.notes = {{.what = static_cast<Decision>(i)}};
    request.calls = {call};
    const auto steps = explain_steps(read_back(request));
    REQUIRE(steps.size() == 3);
    CHECK_FALSE(steps[1].filter.empty());
    CHECK_FALSE(steps[1].decision.empty());
    CHECK(std::find(seen.begin(), seen.end(), steps[1].sentence) == seen.end());
    seen.push_back(steps[1].sentence);
  }
}

TEST_CASE("an id leads to its request; the answer is JSON whatever a client has sent") {
  Admin admin;
  JournalWriter writer(admin.control.journal());
  Recorded request = recorded("what\"ever", 503);
  request.facts.error = Problem::concurrency_limit;
  request.texts[RequestFacts::path] = "/\x1b[31m\xff";
  request.texts[RequestFacts::detail] = "full";
  write(writer, request);
  const Asked asked = admin.get("/admin/explain/what%22ever");
  REQUIRE(asked.status == 200);
  CHECK(asked.body.at("request_id").as_string() == "what\"ever");
  const json::value& one = asked.body.at("requests").at(0);
  CHECK(one.at("at").as_string() == "2026-01-31T08:15:30.042Z");
  CHECK(one.at("path").as_string() == "/\\x1b[31m\\xff");
  CHECK(one.at("error").as_string() == "ConcurrencyLimit");
  CHECK(one.at("ended_well") == false);
  CHECK(one.at("summary").as_string() == "answered 503 ConcurrencyLimit by the proxy itself after 31 ms: full");
  CHECK(one.at("duration_ms") == 31);
}

TEST_CASE("an id that is not known is answered with what is kept") {
  Admin admin;
  JournalWriter writer(admin.control.journal());
  write(writer, recorded("a"));
  const Asked asked = admin.get("/admin/explain/b");
  CHECK(asked.status == 404);
  CHECK(asked.body.at("error").as_string() == "UnknownRequest");
  CHECK(asked.body.at("kept").at("requests") == 1);
  CHECK(asked.body.at("kept").at("oldest").as_string() == "2026-01-31T08:15:30.042Z");
  CHECK(asked.body.at("kept").at("oldest_bad").is_null());
}

TEST_CASE("durations are short") {
  CHECK(duration_words(0) == "0 ms");
  CHECK(duration_words(1'234) == "1.23 ms");
  CHECK(duration_words(12'340) == "12.3 ms");
  CHECK(duration_words(250'000) == "250 ms");
  CHECK(duration_words(1'500'000) == "1.5 s");
}
