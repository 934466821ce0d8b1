// SPDX-License-Identifier: Apache-2.0
#include "filters/timeout/deadline_filter.hpp"

#include <doctest/doctest.h>

#include "filters/timeout/attempt_timeout_filter.hpp"
#include "filters/timeout/deadline.hpp"
#include "tests/unit/filters/scene.hpp"

using namespace fusewire;
using namespace fusewire::test;

namespace {

struct Fixture : Scene {
  Fixture() { upstream.fallback.chain.clear(); }
  std::optional<Reply> run(FieldPairs fields = {}, Time now = kStart) {
    request = get("/a", fields);
    begin(kStart);
    DeadlineFilter filter;
    return own_reply(filter, call, now);
  }
  milliseconds total(FieldPairs fields = {}) {
    run(fields);
    return std::chrono::duration_cast<milliseconds>(call.total_at - kStart);
  }
};

}  // namespace

TEST_CASE_FIXTURE(Fixture, "of a deadline that the client has named a little is kept back for a fallback's answer") {
  upstream.fallback = config::Fallback{};
  CHECK(total({{"X-Request-Timeout-Ms", "200"}}) == 190ms);
  CHECK(total({{"X-Request-Timeout-Ms", "2000"}}) == 1950ms);
  CHECK(total({{"X-Request-Timeout-Ms", "60000"}}) == 60s);
  CHECK(total() == 60s);
}

TEST_CASE_FIXTURE(Fixture, "a deadline of a client that may not set one does not count") {
  upstream.timeouts.total = 60s;
  request.fields = make_fields({{"X-Request-Timeout-Ms", "200"}});
  begin(kStart);
  request_context.deadline_trusted = false;
  CHECK_FALSE(client_deadline_ms(call));
}

TEST_CASE_FIXTURE(Fixture, "the deadlines are the configuration's, the total from the request's head") {
  upstream.timeouts = {.connect = 1s, .response = 2s, .idle = 3s, .total = 4s, .deadline_header = "x-deadline"};
  CHECK_FALSE(run({}, kStart + 1s));
  CHECK(call.total_at == kStart + 4s);
  Reply reply;
  CHECK(proceeds(AttemptTimeoutFilter{ChainContext{}}.on_endpoint(call, x, reply, kStart + 1s)));
  CHECK(x.connect_within == 1s);
  CHECK(x.response_within == 2s);
  CHECK(x.idle_within == 3s);
}

TEST_CASE_FIXTURE(Fixture, "the client's deadline shortens the total and never lengthens it") {
  CHECK(total({{"X-Request-Timeout-Ms", "250"}}) == 250ms);
  CHECK(total({{"X-Request-Timeout-Ms", "60000"}}) == 60s);
  CHECK(total({{"X-Request-Timeout-Ms", "60001"}}) == 60s);
  CHECK(total({{"X-Request-Timeout-Ms", "99999999999999999999999999"}}) == 60s);
  CHECK(total({{"X-Request-Timeout-Ms", "9223372036854775808"}}) == 60s);
}

TEST_CASE_FIXTURE(Fixture, "of several deadlines the shortest holds") {
  CHECK(total({{"X-Request-Timeout-Ms", "500"}, {"x-request-timeout-ms", "250"}, {"X-Request-Timeout-Ms", "x"}}) ==
        250ms);
}

TEST_CASE_FIXTURE(Fixture, "a malformed deadline is ignored") {
  for (const char* value : {"", "-5", "+5", "1.5", "250ms", " 250", "0x10", "1e3", "100, 200"}) {
    CAPTURE(value);
    CHECK(total({{"X-Request-Timeout-Ms", value}}) == 60s);
  }
}

TEST_CASE_FIXTURE(Fixture, "the deadline's field is named by the configuration; without a name none is read") {
  upstream.timeouts.deadline_header = "x-other";
  CHECK(total({{"X-Request-Timeout-Ms", "250"}}) == 60s);
  CHECK(total({{"X-Other", "250"}}) == 250ms);
  upstream.timeouts.deadline_header.clear();
  CHECK(total({{"", "250"}}) == 60s);
}

TEST_CASE_FIXTURE(Fixture, "a total that is over already is answered here") {
  const auto reply = run({{"X-Request-Timeout-Ms", "0"}});
  REQUIRE(reply);
  CHECK(reply->origin == Reply::Origin::problem);
  CHECK(reply->problem == Problem::total_timeout);
  CHECK(reply->status == 504);
  CHECK_FALSE(reply->detail.empty());
  CHECK(x.outcome == Outcome::local);
  CHECK(run({{"X-Request-Timeout-Ms", "250"}}, kStart + 250ms));
  CHECK_FALSE(run({{"X-Request-Timeout-Ms", "250"}}, kStart + 249ms));
}

TEST_CASE_FIXTURE(
    Fixture, "an end that is set already is kept where it is earlier: a fallback has no more time than its request") {
  DeadlineFilter filter;
  begin(kStart);
  call.total_at = kStart + 5s;
  CHECK(proceeds(step_of(filter, call, kStart)));
  CHECK(call.total_at == kStart + 5s);
  call.total_at = kStart + 100s;
  CHECK(proceeds(step_of(filter, call, kStart)));
  CHECK(call.total_at == kStart + 60s);
}

TEST_CASE_FIXTURE(Fixture, "the deadline is passed on reduced by what has gone by") {
  run({{"X-Request-Timeout-Ms", "250"}});
  CHECK(remaining_deadline_ms(call, kStart + 40ms) == 210);
  CHECK(remaining_deadline_ms(call, kStart + 40500us) == 209);
  CHECK(remaining_deadline_ms(call, kStart + 249500us) == 1);  // it was not over when it was sent
  run({{"X-Request-Timeout-Ms", "90000"}});
  CHECK(remaining_deadline_ms(call, kStart) == 60000);
}

TEST_CASE_FIXTURE(Fixture, "no deadline is passed on where none came") {
  run();
  CHECK_FALSE(remaining_deadline_ms(call, kStart));
  run({{"X-Request-Timeout-Ms", "soon"}});
  CHECK_FALSE(remaining_deadline_ms(call, kStart));
  request = get("/a", {{"X-Request-Timeout-Ms", "250"}});
  begin(kStart);
  CHECK_FALSE(remaining_deadline_ms(call, kStart));  // the filter has not run
}

TEST_CASE_FIXTURE(Fixture, "an upstream that others have left less than half of its time has a short deadline") {
  upstream.timeouts = {.connect = 1s, .response = 2s, .idle = 3s, .total = 4s};
  run({}, kStart + 3s);
  CHECK_FALSE(call.short_deadline);
  run({}, kStart + 3001ms);
  CHECK(call.short_deadline);
  upstream.timeouts.response = 10s;  // the total is what it may take
  run({}, kStart + 2s);
  CHECK_FALSE(call.short_deadline);
  run({}, kStart + 2001ms);
  CHECK(call.short_deadline);
}

TEST_CASE_FIXTURE(Fixture, "whose wish the total is stands in the call") {
  run({{"X-Request-Timeout-Ms", "250"}});
  CHECK(call.short_deadline);
  run({{"X-Request-Timeout-Ms", "60000"}});
  CHECK_FALSE(call.short_deadline);
  run();
  CHECK_FALSE(call.short_deadline);
}
