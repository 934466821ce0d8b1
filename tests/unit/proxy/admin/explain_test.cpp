// SPDX-License-Identifier: Apache-2.0
#include <doctest/doctest.h>

#include "proxy/admin/explain_step.hpp"
#include "proxy/admin/explain_view.hpp"
#include "tests/unit/proxy/admin/calls.hpp"
#include "tests/unit/proxy/observe/records.hpp"

using namespace fusewire;
using namespace fusewire::proxy;
using namespace fusewire::proxy::admin;
using namespace fusewire::testing;

namespace {

RecordedAttempt attempt(std::uint32_t begun_us, Outcome outcome, int status) {
  RecordedAttempt made;
  made.facts.begun = at_us(begun_us);
  made.facts.outcome = outcome;
  made.facts.status = static_cast<std::uint16_t>(status);
  made.facts.head = status != 0 ? at_us(begun_us + 12'000) : kNever;
  made.facts.ended = at_us(begun_us + 12'500);
  made.facts.tries = 1;
  made.facts.kept_connection = true;
  return made;
}

RecordedCall permitted() {
  RecordedCall call;
  call.facts.permitted = at_us(3);
  call.facts.total = at_us(30'000'000);
  call.facts.answered = true;
  return call;
}

std::vector<std::string> sentences(const JournalEntry& entry) {
  std::vector<std::string> all;
  for (const ExplainStep& step : explain_steps(entry)) all.push_back(step.sentence);
  return all;
}

}  // namespace

TEST_CASE("a dial that waited for an address that answers nobody is explained") {
  Recorded request = recorded("id");
  RecordedCall call = permitted();
  call.notes = {{.what = Decision::dial_held, .value = 420, .at = at_us(420'010)}};
  call.attempts = {attempt(3, Outcome::complete, 200)};
  request.calls = {call};
  const std::vector<std::string> said = sentences(read_back(request));
  CHECK(std::count(said.begin(), said.end(),
                   "the endpoint's address answered nobody: this connection waited for a trial for 420 ms") == 1);
}

TEST_CASE("a request that was tried twice is explained step by step, in the order of time") {
  Recorded request = recorded("id");
  RecordedCall call = permitted();
  call.facts.verdict = Verdict::success;
  call.facts.ended = at_us(30'000);
  call.notes = {{.what = Decision::retry_made,
                 .detail = static_cast<std::uint8_t>(Trigger::reset),
                 .value = 5,
                 .at = at_us(12'510)}};
  call.attempts = {attempt(3, Outcome::reset, 0), attempt(17'600, Outcome::complete, 200)};
  request.calls = {call};
  CHECK(
      sentences(read_back(request)) ==
      std::vector<std::string>{
          "it came to listener 'main' and took route 'all' to upstream 'orders'",
          "circuit breaker 'orders' let it pass",
          "an answer had to begin within 30 s of the request",
          "attempt 1 went to http://orders (10.0.0.1:80) on a kept connection: it closed the connection before a "
          "whole answer, after 12.5 ms",
          "the upstream closed the connection before a whole answer: another attempt was made after a back-off of 5 ms",
          "attempt 2 went to http://orders (10.0.0.1:80) on a kept connection: it answered 200 after 12 ms",
          "circuit breaker 'orders' counted it as a success",
          "answered 200 by http://orders after 31 ms, at attempt 2 of 2",
      });
}

TEST_CASE("what was injected is shown at the attempt and as a step of its own") {
  Recorded request = recorded("id", 503);
  request.facts.flags = bits(Flag::delay_injected, Flag::fault_injected);
  RecordedCall call = permitted();
  call.notes = {{.what = Decision::delay_injected, .value = 2000, .at = at_us(3)},
                {.what = Decision::abort_injected, .number = 503, .at = at_us(10)}};
  call.attempts = {attempt(3, Outcome::complete, 503)};
  call.attempts[0].facts.kept_connection = false;
  call.attempts[0].facts.injected_delay_ms = 2000;
  call.attempts[0].facts.injected_abort = 503;
  request.calls = {call};
  const JournalEntry entry = read_back(request);
  const auto lines = sentences(entry);
  REQUIRE(lines.size() == 7);
  CHECK(lines[3] ==
        "attempt 1 went to http://orders (10.0.0.1:80), held back for an injected 2 s, with an injected answer: it "
        "answered 503 after 12 ms");
  CHECK(lines[4] == "a delay of 2 s was injected (PUT /admin/faults)");
  CHECK(lines[5] == "an answer 503 was injected in the endpoint's place (PUT /admin/faults)");
  const json::object view = explain_view(entry);
  CHECK(view.at("flags") == json::array{"DI", "FI"});
  const json::value& attempt = view.at("calls").at(0).at("attempts").at(0);
  CHECK(attempt.at("injected") == json::object{{"delay_ms", 2000}, {"abort", 503}});
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
  const auto lines = sentences(read_back(request));
  REQUIRE(lines.size() == 5);
  CHECK(lines[1] ==
        "circuit breaker 'orders' rejected it: it was open (consecutive_failures); the next trial was due in 12.4 s");
  CHECK(lines[2] == "the circuit was open: the fallback took over");
  CHECK(lines[3] == "fallback step 'cache' answered, with a response 61 s old");
  CHECK(lines[4] == "answered 200 by the fallback step 'cache' after 31 ms, because the circuit was open");
}

TEST_CASE("a rejection names the breaker of its route, and who can close it") {
  Recorded request = recorded("id");
  RecordedCall call;
  call.facts.route_breaker = true;
  const auto rejection = [](breaker::RejectedBy by, RejectionNote why, std::uint32_t ms) {
    return Note{.what = Decision::breaker_rejected,
                .detail = static_cast<std::uint8_t>(by),
                .number = static_cast<std::uint16_t>(why.packed()),
                .value = ms};
  };
  using breaker::RejectedBy;
  call.notes = {rejection(RejectedBy::half_open, {.trip = 1, .probe = config::ProbeType::active}, 0),
                rejection(RejectedBy::open, {.trip = 1, .probe = config::ProbeType::connect}, 900),
                rejection(RejectedBy::forced_open, {.above = true}, kNoValue)};
  request.calls = {call};
  const auto lines = sentences(read_back(request));
  REQUIRE(lines.size() == 5);
  CHECK(lines[1] ==
        "circuit breaker 'orders/all' rejected it: it was half-open; only the proxy's own probes can close it "
        "(recovery.probe: active)");
  CHECK(lines[2] ==
        "circuit breaker 'orders/all' rejected it: it was open (consecutive_failures); the next trial was due in 900 "
        "ms, or as soon as the upstream can be connected to (recovery.probe: connect)");
  CHECK(lines[3] ==
        "circuit breaker 'orders' rejected it: an operator had forced it open, which holds for all routes to this "
        "upstream");
}

TEST_CASE("a refusal by a limit says whose limit it was, how much it was, and whether it adapts") {
  Recorded request = recorded("id");
  RecordedCall call;
  call.notes = {{.what = Decision::slot_refused,
                 .detail = static_cast<std::uint8_t>(SlotRefusal::queue_full),
                 .number = static_cast<std::uint16_t>(LimitNote{.adaptive = true}.packed()),
                 .value = 12},
                {.what = Decision::rate_refused,
                 .number = static_cast<std::uint16_t>(LimitNote{.of_route = true}.packed()),
                 .value = 40}};
  request.calls = {call};
  const auto lines = sentences(read_back(request));
  REQUIRE(lines.size() == 4);
  CHECK(lines[1] == "limits.rate of its route refused it: no token was left, and the next came in 40 ms");
  CHECK(lines[2] ==
        "all 12 places of upstream 'orders' were taken (limits.adaptive_concurrency), and the queue was full");
}

TEST_CASE("a hedge that lost is an attempt of its own, and the answer is the other one's") {
  Recorded request = recorded("id");
  RecordedCall call = permitted();
  call.notes = {
      {.what = Decision::hedge_sent, .value = 50, .at = at_us(50'000)},
      {.what = Decision::hedge_ended, .detail = static_cast<std::uint8_t>(HedgeResult::lost), .at = at_us(62'000)}};
  RecordedAttempt hedge = attempt(50'000, Outcome::superseded, 0);
  hedge.facts.hedge = true;
  call.attempts = {hedge, attempt(3, Outcome::complete, 200)};  // as they ended
  request.calls = {call};
  const auto lines = sentences(read_back(request));
  REQUIRE(lines.size() == 8);
  CHECK(lines[3].starts_with("attempt 1 went to http://orders"));
  CHECK(lines[4] == "there was no answer within 50 ms: a second attempt was made beside the first (retries.hedge)");
  CHECK(lines[5] ==
        "attempt 2 (the hedge) went to http://orders (10.0.0.1:80) on a kept connection: it was dropped, for the other "
        "attempt had answered, after 12.5 ms");
  CHECK(lines[6] == "the second attempt is over: the other attempt answered first, and it was dropped");
  CHECK(lines[7].ends_with(", at attempt 1 of 2"));
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
