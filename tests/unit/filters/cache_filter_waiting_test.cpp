// SPDX-License-Identifier: Apache-2.0
// `serve: normal`: requests that wait for another one's fetch.
#include <doctest/doctest.h>

#include <optional>

#include "tests/unit/filters/cache_filter_scene.hpp"

using namespace fusewire;
using namespace fusewire::cache;
using namespace fusewire::test;

TEST_CASE_FIXTURE(CacheFilterScene, "those who wait for a fetch wait for its second attempt, too") {
  keep(kTagged);
  ask(get(), kStart + 60s);
  const auto follower = std::make_shared<RecordingFollower>();
  const auto place = fetches.follow("orders 0 http://shop.test/a", follower);
  REQUIRE(place);
  head_comes(not_modified({{"ETag", "\"2\""}}), kStart + 60s);
  CHECK_FALSE(follower->how);
  head_comes(ok(), kStart + 60s);
  filter->on_body(call, "hello");
  done(Outcome::complete, kStart + 60s);
  CHECK(follower->how == Ended::stored);
}

TEST_CASE_FIXTURE(CacheFilterScene,
                  "a second request waits for the first one's fetch, and is answered with its response") {
  ask(get());
  SecondRequest second(*this);
  REQUIRE(second.waits_for_first());
  head_comes(ok());
  filter->on_body(call, "hello");
  CHECK_FALSE(second.waker->woken);
  done();
  CHECK(second.waker->woken);
  const auto reply = own_reply(second.filter, second.call, kStart + 1s);
  REQUIRE(reply);
  CHECK(extra(*reply, "Cache-Status") == "fusewire; fwd=uri-miss; collapsed; ttl=59");
  CHECK(events(Event::collapse) == 1);
  CHECK(events(Event::miss) == 1);
}

TEST_CASE_FIXTURE(CacheFilterScene, "how a fetch ends tells those who wait what to do") {
  struct End {
    Response response;
    Outcome outcome;
    Ended how;
  };
  Response forbidden = ok();
  forbidden.status = 403;
  forbidden.fields = {};
  for (const End& end : {End{forbidden, Outcome::complete, Ended::vacant}, End{ok(), Outcome::complete, Ended::stored},
                         End{ok(), Outcome::incomplete, Ended::alone}, End{ok(), Outcome::client_gone, Ended::vacant},
                         End{ok(), Outcome::cut_off, Ended::vacant},
                         End{ok({{"Cache-Control", "private"}}), Outcome::client_gone, Ended::alone},
                         End{ok({{"Cache-Control", "max-age=0"}}), Outcome::complete, Ended::alone}}) {
    fetches.mark_shareable("orders 0 http://shop.test/a");
    store.purge();
    ask(get());
    const auto follower = std::make_shared<RecordingFollower>();
    const auto place = fetches.follow("orders 0 http://shop.test/a", follower);
    REQUIRE(place);
    head_comes(end.response);
    filter->on_body(call, "hello");
    done(end.outcome);
    CHECK(follower->how == end.how);
  }
}

TEST_CASE_FIXTURE(CacheFilterScene, "a fetch whose client is slow leaves its place to one of those who wait") {
  ask(get());
  const auto follower = std::make_shared<RecordingFollower>();
  const auto place = fetches.follow("orders 0 http://shop.test/a", follower);
  REQUIRE(place);
  filter->on_client_stalled();
  CHECK(follower->how == Ended::vacant);
}

TEST_CASE_FIXTURE(CacheFilterScene, "nobody waits for what can't be shared as far as one can tell") {
  for (Request r : {get("/a", {{"Range", "bytes=0-1"}}), get("/a", {{"Authorization", "x"}}),
                    get("/a", {{"If-None-Match", "\"1\""}}), get("/a", {{"Cache-Control", "no-store"}}),
                    get("/a", {{"Expect", "100-continue"}})}) {
    CHECK_FALSE(ask(r));
    CacheFilter second(context);
    Call other = call;
    CHECK(proceeds(step_of(second, other, kStart)));
  }
}

TEST_CASE_FIXTURE(CacheFilterScene,
                  "when a response turns out too large, those who wait are set free, and nobody waits for it") {
  upstream.cache.max_object = 10;
  Response chunked = ok();
  chunked.body = BodyKind::chunked;
  ask(get());
  const auto follower = std::make_shared<RecordingFollower>();
  const auto place = fetches.follow("orders 0 http://shop.test/a", follower);
  REQUIRE(place);
  head_comes(chunked);
  filter->on_body(call, "hello");
  CHECK_FALSE(follower->how);
  filter->on_body(call, "hello!");
  CHECK(follower->how == Ended::alone);
  CHECK(fetches.is_unshareable("orders 0 http://shop.test/a", kStart + 1s));
}

TEST_CASE_FIXTURE(CacheFilterScene,
                  "who wants an answer of the upstream's own waits for nobody, but may be waited for") {
  for (const char* control : {"no-cache", "max-age=0"}) {
    CHECK_FALSE(ask(get()));
    Request own = get("/a", {{"Cache-Control", control}});
    SecondRequest second(*this, own);
    CHECK(proceeds(step_of(second.filter, second.call, kStart)));
    done();
    CHECK_FALSE(ask(own));
    const Request any = get();
    SecondRequest third(*this, any);
    CHECK(waits(step_of(third.filter, third.call, kStart)));
    done();
  }
}

TEST_CASE_FIXTURE(CacheFilterScene,
                  "a request waits for two fetches at most, whose leaders leave; then it asks alone") {
  ask(get());
  SecondRequest second(*this);
  REQUIRE(second.waits_for_first());
  CacheFilter follower(context);
  CHECK(std::get<Wait>(step_of(follower, call, kStart)).until == kStart + 5s);
  const Request any = get();
  std::optional<SecondRequest> leader;
  leader.emplace(*this, any);
  done(Outcome::client_gone);
  REQUIRE(second.waker->woken);
  REQUIRE(proceeds(step_of(leader->filter, leader->call, kStart)));  // it was faster
  REQUIRE(second.waits_for_first());
  leader->x.outcome = Outcome::client_gone;
  leader->filter.on_done(leader->call, kStart);
  REQUIRE(second.waker->woken);
  leader.emplace(*this, any);
  REQUIRE(proceeds(step_of(leader->filter, leader->call, kStart)));
  CHECK(proceeds(step_of(second.filter, second.call, kStart)));
}

TEST_CASE_FIXTURE(CacheFilterScene,
                  "who waits longer than a call may take asks for all who wait, beside the slow one") {
  ask(get());  // one that its own cookie makes slow, it may be
  const Request any = get();
  SecondRequest second(*this, any), third(*this, any);
  REQUIRE(second.waits_for_first());
  REQUIRE(third.waits_for_first());
  CHECK(third.waits_for_first(kStart + 5s - 1ms));
  REQUIRE(proceeds(step_of(second.filter, second.call, kStart + 5s)));
  REQUIRE(third.waits_for_first(kStart + 5s));
  second.x.outcome = Outcome::client_gone;
  second.filter.on_done(second.call, kStart + 6s);
  REQUIRE(third.waker->woken);
  REQUIRE(proceeds(step_of(third.filter, third.call, kStart + 6s)));
}

TEST_CASE_FIXTURE(CacheFilterScene, "who leads after a wait, or asks alone, follows nobody any longer") {
  ask(get());
  const Request any = get();
  SecondRequest second(*this, any), third(*this, any);
  REQUIRE(second.waits_for_first());
  REQUIRE(third.waits_for_first(kStart + 1s));
  const auto is_followed = [&] { return !fetches.may_refresh("orders 0 http://shop.test/a", kStart + 20s, 5s); };
  CHECK(is_followed());
  REQUIRE(proceeds(step_of(second.filter, second.call, kStart + 5s)));
  CHECK(is_followed());
  REQUIRE(proceeds(step_of(third.filter, third.call, kStart + 10s)));
  CHECK_FALSE(is_followed());
}

TEST_CASE_FIXTURE(CacheFilterScene, "a response that is too large is remembered, though its client was slow, too") {
  upstream.cache.max_object = 10;
  Response chunked = ok();
  chunked.body = BodyKind::chunked;
  ask(get());
  head_comes(chunked);
  filter->on_client_stalled();
  filter->on_body(call, "more than ten bytes");
  const Request any = get();
  SecondRequest first(*this, any), second(*this, any);
  CHECK(proceeds(step_of(first.filter, first.call, kStart)));
  CHECK(proceeds(step_of(second.filter, second.call, kStart)));
}

TEST_CASE_FIXTURE(CacheFilterScene, "where a leader's client is slow one of those who wait leads in its place") {
  ask(get());
  const Request any = get();
  SecondRequest second(*this, any), third(*this, any);
  REQUIRE(second.waits_for_first());
  REQUIRE(third.waits_for_first());
  filter->on_client_stalled();
  CHECK(third.waker->woken);
  REQUIRE(proceeds(step_of(third.filter, third.call, kStart)));
  CHECK(second.waits_for_first());
}

TEST_CASE_FIXTURE(CacheFilterScene, "who has no cookie waits for nobody who has one") {
  ask(get("/a", {{"Cookie", "a=b"}}));
  const Request plain = get(), another = get("/a", {{"Cookie", "c=d"}});
  SecondRequest without(*this, plain), with(*this, another);
  CHECK(proceeds(step_of(without.filter, without.call, kStart)));
  CHECK(with.waits_for_first());
}

TEST_CASE_FIXTURE(CacheFilterScene, "nobody waits for others for more than twice the time after which a call is slow") {
  ask(get());
  const Request any = get();
  SecondRequest first(*this, any), second(*this, any), third(*this, any);
  REQUIRE(first.waits_for_first());
  REQUIRE(second.waits_for_first());
  REQUIRE(third.waits_for_first());
  REQUIRE(proceeds(step_of(first.filter, first.call, kStart + 5s)));
  CHECK(std::get<Wait>(step_of(second.filter, second.call, kStart + 6s)).until == kStart + 10s);
  REQUIRE(third.waits_for_first(kStart + 9s));
  CHECK(proceeds(step_of(third.filter, third.call, kStart + 10s)));
  CHECK(proceeds(step_of(second.filter, second.call, kStart + 10s)));
}

TEST_CASE_FIXTURE(CacheFilterScene, "who waits looks again each second at most, however soon a call is slow") {
  upstream.circuit_breaker.detection.slow_call_rate = config::SlowCallRate{.slower_than = 1ms};
  ask(get());
  SecondRequest second(*this);
  CHECK(std::get<Wait>(step_of(second.filter, second.call, kStart)).until == kStart + 1s);
}

TEST_CASE_FIXTURE(CacheFilterScene,
                  "a request that has waited long enough asks alone; so does one whose leader has failed") {
  ask(get());
  SecondRequest impatient(*this);
  REQUIRE(impatient.waits_for_first());
  CHECK(proceeds(step_of(impatient.filter, impatient.call, kStart + 15s)));
  const Request any = get();
  SecondRequest second(*this, any);
  REQUIRE(second.waits_for_first());
  done(Outcome::connect_refused);
  SecondRequest next(*this, any);
  REQUIRE(proceeds(step_of(next.filter, next.call, kStart)));  // leads
  CHECK(proceeds(step_of(second.filter, second.call, kStart)));
}
