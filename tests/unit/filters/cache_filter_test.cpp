// SPDX-License-Identifier: Apache-2.0
// `serve: normal`, without sockets.
#include "filters/cache/cache_filter.hpp"

#include <doctest/doctest.h>

#include <optional>

#include "tests/unit/filters/recording_follower.hpp"
#include "tests/unit/filters/stored.hpp"

using namespace fusewire;
using namespace fusewire::cache;
using namespace fusewire::test;

namespace {

struct Fixture : Scene {
  Store store{4 << 20};
  RequestCollapser fetches;
  ChainContext context{nullptr, nullptr, &store, store.partition("orders"), &fetches};
  std::optional<CacheFilter> filter;
  Step step;  // the last one

  Fixture() { upstream.cache.serve = config::Serve::normal; }

  std::optional<Reply> ask(Request r, Time now = kStart) {
    request = std::move(r);
    begin(now);
    filter.emplace(context);
    auto reply = own_reply(*filter, call, now, &step);
    if (proceeds(step)) x.begun = now;
    return reply;
  }
  Reply head_comes(Response r, Time now = kStart) {
    sent(now);
    response = std::move(r);
    Reply reply = head(now);
    step = filter->on_reply(call, reply, now);
    return reply;
  }
  void done(Outcome outcome = Outcome::complete, Time now = kStart) {
    x.outcome = outcome;
    filter->on_done(call, now);
    filter.reset();
  }
  void keep(Response answer, Request r = get(), Time now = kStart) {
    ask(std::move(r), now);
    head_comes(std::move(answer), now);
    filter->on_body(call, "hello");
    done(Outcome::complete, now);
  }
  std::uint64_t events(Event event) { return context.cache_partition->events(event); }
};

// Another client's request, while the first one's is under way.
struct Second {
  struct RecordingWaker : Waker {
    bool woken = false;
    void wake() noexcept override { woken = true; }
  };

  explicit Second(Fixture& first) : Second(first, first.request) {}
  Second(Fixture& first, const Request& request)
      : request_context(first.request_context), call(first.call), filter(first.context) {
    request_context.request = &request;
    call.context = &request_context;
    call.exchange = &x;
  }
  // Asks, and subscribes to the end of the fetch that it waits for.
  bool waits_for_first(Time now = kStart) {
    const Step step = step_of(filter, call, now);
    waker->woken = false;
    return waits(step) && std::get<Wait>(step).what->await(waker);
  }

  RequestContext request_context;
  Exchange x;
  Call call;
  CacheFilter filter;
  std::shared_ptr<RecordingWaker> waker = std::make_shared<RecordingWaker>();
};

const Response kTagged = ok({{"Cache-Control", "max-age=60"}, {"ETag", "\"1\""}});

Response not_modified(FieldPairs fields = {{"ETag", "\"1\""}, {"Cache-Control", "max-age=60"}}) {
  Response response = ok(fields, 0);
  response.status = 304;
  response.body = BodyKind::none;
  return response;
}

}  // namespace

TEST_CASE_FIXTURE(Fixture, "where it serves on errors only, it asks nothing of the session and says nothing") {
  keep(kTagged);
  upstream.cache.serve = config::Serve::on_error;
  CHECK_FALSE(ask(get(), kStart + 1s));
  CHECK(call.conditions.empty());
  CHECK(proceeds(step));
  CHECK(head_comes(ok()).extra_fields.empty());
}

TEST_CASE_FIXTURE(Fixture, "a fresh response ends the walk; it shares the stored bytes") {
  keep(kTagged);
  const auto reply = ask(get(), kStart + 59s);
  REQUIRE(reply);
  CHECK(reply->origin == Reply::Origin::stored);
  CHECK(reply->body == "hello");
  CHECK(extra(*reply, "Age") == "59");
  CHECK(extra(*reply, "Cache-Status") == "fusewire; hit; ttl=1");
  CHECK(x.outcome == Outcome::local);
  CHECK(call.has(Flag::cache_hit));
  CHECK(events(Event::hit) == 1);
}

TEST_CASE_FIXTURE(Fixture, "Content-Length: 0 is no body: such a GET is answered, and its response kept") {
  Request request_of_some_clients = get();
  request_of_some_clients.body = BodyKind::length;
  keep(kTagged, request_of_some_clients);
  CHECK(ask(request_of_some_clients, kStart + 1s));
  request_of_some_clients.content_length = 1;
  CHECK_FALSE(ask(request_of_some_clients, kStart + 1s));
}

TEST_CASE_FIXTURE(Fixture, "a stale one is asked about; confirmed, it is answered with the time that it now has") {
  keep(kTagged);
  CHECK_FALSE(ask(get("/a", {{"If-None-Match", "\"0\""}}), kStart + 60s));
  CHECK(call.conditions == "If-None-Match: \"1\"\r\n");
  const Reply reply = head_comes(not_modified(), kStart + 61s);
  CHECK(reply.origin == Reply::Origin::stored);
  CHECK(reply.status == 200);
  CHECK(extra(reply, "Cache-Status") == "fusewire; fwd=stale; fwd-status=304; ttl=59");
  done();
  CHECK(events(Event::validate) == 1);
  CHECK(events(Event::refresh) == 1);
  CHECK(ask(get(), kStart + 100s));
}

TEST_CASE_FIXTURE(Fixture, "a 304 that may not be kept is answered with all the same") {
  keep(kTagged);
  ask(get(), kStart + 60s);
  CHECK(head_comes(not_modified({{"Cache-Control", "no-store"}}), kStart + 60s).body == "hello");
  done();
  CHECK(context.cache_partition->entries() == 0);
}

TEST_CASE_FIXTURE(Fixture, "a 304 about something else leads to the same upstream once more") {
  keep(kTagged);
  ask(get(), kStart + 60s);
  CHECK_FALSE(call.conditions.empty());
  head_comes(not_modified({{"ETag", "\"2\""}}), kStart + 60s);
  CHECK(asked_of(step) == "");
  CHECK(call.conditions.empty());
  CHECK(context.cache_partition->entries() == 1);  // a fallback may need it if the second answer is none
  const Reply second = head_comes(ok({{"Cache-Control", "max-age=60"}, {"ETag", "\"2\""}}), kStart + 60s);
  CHECK(proceeds(step));
  CHECK(second.origin == Reply::Origin::upstream);
  filter->on_body(call, "hello");
  done(Outcome::complete, kStart + 60s);
  CHECK(context.cache_partition->entries() == 1);
}

TEST_CASE_FIXTURE(Fixture, "those who wait for a fetch wait for its second attempt, too") {
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

TEST_CASE_FIXTURE(Fixture, "a 304 to the client's own condition is not taken for one to ours") {
  CHECK_FALSE(ask(get("/a", {{"If-None-Match", "\"1\""}})));
  CHECK(call.conditions.empty());
  CHECK(head_comes(not_modified()).origin == Reply::Origin::upstream);
}

TEST_CASE_FIXTURE(Fixture, "stale-while-revalidate answers, and asks the session for a refresh") {
  keep(ok({{"Cache-Control", "max-age=60, stale-while-revalidate=30"}}));
  const auto reply = ask(get(), kStart + 90s);
  REQUIRE(reply);
  CHECK(std::get<Answer>(step).refresh);
  CHECK(call.has(Flag::cache_stale));
  CHECK(extra(*reply, "Cache-Status") == "fusewire; hit; ttl=-30; detail=stale-while-revalidate");
  CHECK(events(Event::stale) == 1);
  CHECK_FALSE(ask(get(), kStart + 91s));
}

TEST_CASE_FIXTURE(Fixture, "no refresh is asked for with credentials whose answer could not be stored") {
  const Request signed_in = get("/a", {{"Authorization", "x"}});
  keep(ok({{"Cache-Control", "max-age=60, stale-while-revalidate=30"}}));
  REQUIRE(ask(signed_in, kStart + 70s));
  CHECK_FALSE(std::get<Answer>(step).refresh);
  store.purge();
  keep(ok({{"Cache-Control", "public, max-age=60, stale-while-revalidate=30"}}));
  REQUIRE(ask(signed_in, kStart + 70s));
  CHECK(std::get<Answer>(step).refresh);
}

TEST_CASE_FIXTURE(Fixture, "a refresh asks in any case, unless somebody else is at it") {
  keep(ok({{"Cache-Control", "max-age=60, stale-while-revalidate=30"}, {"ETag", "\"1\""}}));
  request = get();
  begin(kStart + 70s);
  request_context.background = true;
  filter.emplace(context);
  CHECK(proceeds(step_of(*filter, call, kStart + 70s)));
  CHECK_FALSE(call.conditions.empty());
  CacheFilter second(context);
  Call other = call;
  CHECK(own_reply(second, other, kStart + 70s));
  done();
}

TEST_CASE_FIXTURE(Fixture,
                  "a refresh that fails is not tried again for a second, one that nobody may keep for half a minute") {
  const auto refresh = [&](Time now) {
    request = get();
    begin(now);
    request_context.background = true;
    filter.emplace(context);
    REQUIRE(proceeds(step_of(*filter, call, now)));
  };
  const auto wanted = [&](Time now) {
    RequestContext of_client = request_context;
    of_client.background = false;
    Call other = call;
    other.context = &of_client;
    CacheFilter filter_of_other(context);
    const Step said = step_of(filter_of_other, other, now);
    const auto* answer = std::get_if<Answer>(&said);
    return answer != nullptr && answer->refresh;
  };
  keep(ok({{"Cache-Control", "max-age=60, stale-while-revalidate=300"}}));
  CHECK(wanted(kStart + 70s));
  refresh(kStart + 70s);
  CHECK_FALSE(wanted(kStart + 70s));
  done(Outcome::connect_refused, kStart + 70s);
  CHECK_FALSE(wanted(kStart + 70s));
  CHECK(wanted(kStart + 71s));
  refresh(kStart + 71s);
  head_comes(ok({{"Cache-Control", "max-age=60"}, {"Set-Cookie", "a=b"}}), kStart + 71s);
  done(Outcome::abandoned, kStart + 71s);
  CHECK_FALSE(wanted(kStart + 100s));
  CHECK(wanted(kStart + 101s));
}

TEST_CASE_FIXTURE(Fixture,
                  "a refresh that one client's odd field has spoilt holds the next one back for a second, no longer") {
  keep(ok({{"Cache-Control", "max-age=60, stale-while-revalidate=300"}}));
  const auto asks_for_refresh = [&](Time now) {
    REQUIRE(ask(get(), now));
    return std::get<Answer>(step).refresh;
  };
  CHECK(asks_for_refresh(kStart + 70s));
  begin(kStart + 70s);
  request_context.background = true;
  filter.emplace(context);
  REQUIRE(proceeds(step_of(*filter, call, kStart + 70s)));
  Response spoilt = ok({});
  spoilt.status = 400;
  head_comes(spoilt, kStart + 70s);
  done(Outcome::abandoned, kStart + 70s);
  CHECK_FALSE(asks_for_refresh(kStart + 70s));
  CHECK(asks_for_refresh(kStart + 71s));
}

TEST_CASE_FIXTURE(Fixture, "a second request waits for the first one's fetch, and is answered with its response") {
  ask(get());
  Second second(*this);
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

TEST_CASE_FIXTURE(Fixture, "how a fetch ends tells those who wait what to do") {
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

TEST_CASE_FIXTURE(Fixture, "a fetch that its client holds up sets those who wait free") {
  ask(get());
  const auto follower = std::make_shared<RecordingFollower>();
  const auto place = fetches.follow("orders 0 http://shop.test/a", follower);
  REQUIRE(place);
  filter->on_client_stalled();
  CHECK(follower->how == Ended::alone);
}

TEST_CASE_FIXTURE(Fixture, "nobody waits for what can't be shared as far as one can tell") {
  for (Request r : {get("/a", {{"Range", "bytes=0-1"}}), get("/a", {{"Authorization", "x"}}),
                    get("/a", {{"If-None-Match", "\"1\""}}), get("/a", {{"Cache-Control", "no-store"}}),
                    get("/a", {{"Expect", "100-continue"}})}) {
    CHECK_FALSE(ask(r));
    CacheFilter second(context);
    Call other = call;
    CHECK(proceeds(step_of(second, other, kStart)));
  }
}

TEST_CASE_FIXTURE(Fixture,
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

TEST_CASE_FIXTURE(Fixture, "who wants an answer of the upstream's own waits for nobody, but may be waited for") {
  for (const char* control : {"no-cache", "max-age=0"}) {
    CHECK_FALSE(ask(get()));
    Request own = get("/a", {{"Cache-Control", control}});
    Second second(*this, own);
    CHECK(proceeds(step_of(second.filter, second.call, kStart)));
    done();
    CHECK_FALSE(ask(own));
    const Request any = get();
    Second third(*this, any);
    CHECK(waits(step_of(third.filter, third.call, kStart)));
    done();
  }
}

TEST_CASE_FIXTURE(Fixture, "only-if-cached goes no further, whatever else the request asks; other methods do") {
  for (FieldPairs fields : {FieldPairs{{"Cache-Control", "only-if-cached"}, {"If-Match", "\"1\""}},
                            FieldPairs{{"Cache-Control", "only-if-cached"}, {"Upgrade", "websocket"}}}) {
    const auto reply = ask(get("/a", fields));
    REQUIRE(reply);
    CHECK(reply->status == 504);
    CHECK(x.outcome == Outcome::local);
  }
  Request post = get("/a", {{"Cache-Control", "only-if-cached"}});
  post.method = "POST";
  CHECK_FALSE(ask(post));
}

TEST_CASE_FIXTURE(Fixture,
                  "what comes over a connection on which a user has signed in is shared with nobody and not kept") {
  keep(kTagged);
  const Time late = kStart + 60s;
  request = get();
  begin(late);
  call.connection_bound = true;
  CacheFilter signed_in(context);
  CHECK(proceeds(step_of(signed_in, call, late)));
  CHECK(call.conditions.empty());
  sent(late);
  response = kTagged;
  Reply reply = head(late);
  signed_in.on_reply(call, reply, late);
  CHECK_FALSE(signed_in.needs_body());

  CHECK_FALSE(ask(get(), late));
  CHECK(proceeds(step));  // it does not wait for the other one's response
  CHECK_FALSE(call.conditions.empty());
  CHECK(events(Event::store) == 1);
}

TEST_CASE_FIXTURE(Fixture, "a request waits for two fetches at most, whose leaders leave; then it asks alone") {
  ask(get());
  Second second(*this);
  REQUIRE(second.waits_for_first());
  CacheFilter follower(context);
  CHECK(std::get<Wait>(step_of(follower, call, kStart)).until == kStart + 5s);
  const Request any = get();
  std::optional<Second> leader;
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

TEST_CASE_FIXTURE(Fixture, "who waits longer than a call may take asks for all who wait, beside the slow one") {
  ask(get());  // one that its own cookie makes slow, it may be
  const Request any = get();
  Second second(*this, any), third(*this, any);
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

TEST_CASE_FIXTURE(Fixture, "nobody waits for others for more than twice the time after which a call is slow") {
  ask(get());
  const Request any = get();
  Second first(*this, any), second(*this, any), third(*this, any);
  REQUIRE(first.waits_for_first());
  REQUIRE(second.waits_for_first());
  REQUIRE(third.waits_for_first());
  REQUIRE(proceeds(step_of(first.filter, first.call, kStart + 5s)));
  CHECK(std::get<Wait>(step_of(second.filter, second.call, kStart + 6s)).until == kStart + 10s);
  REQUIRE(third.waits_for_first(kStart + 9s));
  CHECK(proceeds(step_of(third.filter, third.call, kStart + 10s)));
  CHECK(proceeds(step_of(second.filter, second.call, kStart + 10s)));
}

TEST_CASE_FIXTURE(Fixture, "who waits looks again each second at most, however soon a call is slow") {
  upstream.circuit_breaker.detection.slow_call_rate = config::SlowCallRate{.slower_than = 1ms};
  ask(get());
  Second second(*this);
  CHECK(std::get<Wait>(step_of(second.filter, second.call, kStart)).until == kStart + 1s);
}

TEST_CASE_FIXTURE(Fixture, "a request that has waited long enough asks alone; so does one whose leader has failed") {
  ask(get());
  Second impatient(*this);
  REQUIRE(impatient.waits_for_first());
  CHECK(proceeds(step_of(impatient.filter, impatient.call, kStart + 15s)));
  const Request any = get();
  Second second(*this, any);
  REQUIRE(second.waits_for_first());
  done(Outcome::connect_refused);
  Second next(*this, any);
  REQUIRE(proceeds(step_of(next.filter, next.call, kStart)));  // leads
  CHECK(proceeds(step_of(second.filter, second.call, kStart)));
}
