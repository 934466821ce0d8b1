// SPDX-License-Identifier: Apache-2.0
// `serve: normal`, without sockets.
#include <doctest/doctest.h>

#include <optional>

#include "tests/unit/filters/cache_filter_scene.hpp"

using namespace fusewire;
using namespace fusewire::cache;
using namespace fusewire::test;

TEST_CASE_FIXTURE(CacheFilterScene, "where it serves on errors only, it asks nothing of the session and says nothing") {
  keep(kTagged);
  upstream.cache.serve = config::Serve::on_error;
  CHECK_FALSE(ask(get(), kStart + 1s));
  CHECK(call.conditions.empty());
  CHECK(proceeds(step));
  CHECK(head_comes(ok()).extra_fields.empty());
}

TEST_CASE_FIXTURE(CacheFilterScene, "a fresh response ends the walk; it shares the stored bytes") {
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

TEST_CASE_FIXTURE(CacheFilterScene, "Content-Length: 0 is no body: such a GET is answered, and its response kept") {
  Request request_of_some_clients = get();
  request_of_some_clients.body = BodyKind::length;
  keep(kTagged, request_of_some_clients);
  CHECK(ask(request_of_some_clients, kStart + 1s));
  request_of_some_clients.content_length = 1;
  CHECK_FALSE(ask(request_of_some_clients, kStart + 1s));
}

TEST_CASE_FIXTURE(CacheFilterScene,
                  "a stale one is asked about; confirmed, it is answered with the time that it now has") {
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

TEST_CASE_FIXTURE(CacheFilterScene, "a 304 that may not be kept is answered with all the same") {
  keep(kTagged);
  ask(get(), kStart + 60s);
  CHECK(head_comes(not_modified({{"Cache-Control", "no-store"}}), kStart + 60s).body == "hello");
  done();
  CHECK(context.cache_partition->entries() == 0);
}

TEST_CASE_FIXTURE(CacheFilterScene, "a 304 about something else leads to the same upstream once more") {
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

TEST_CASE_FIXTURE(CacheFilterScene, "a 304 to the client's own condition is not taken for one to ours") {
  CHECK_FALSE(ask(get("/a", {{"If-None-Match", "\"1\""}})));
  CHECK(call.conditions.empty());
  CHECK(head_comes(not_modified()).origin == Reply::Origin::upstream);
}

TEST_CASE_FIXTURE(CacheFilterScene, "stale-while-revalidate answers, and asks the session for a refresh") {
  keep(ok({{"Cache-Control", "max-age=60, stale-while-revalidate=30"}}));
  const auto reply = ask(get(), kStart + 90s);
  REQUIRE(reply);
  CHECK(std::get<Answer>(step).refresh);
  CHECK(call.has(Flag::cache_stale));
  CHECK(extra(*reply, "Cache-Status") == "fusewire; hit; ttl=-30; detail=stale-while-revalidate");
  CHECK(events(Event::stale) == 1);
  CHECK_FALSE(ask(get(), kStart + 91s));
}

TEST_CASE_FIXTURE(CacheFilterScene, "no refresh is asked for with credentials whose answer could not be stored") {
  const Request signed_in = get("/a", {{"Authorization", "x"}});
  keep(ok({{"Cache-Control", "max-age=60, stale-while-revalidate=30"}}));
  REQUIRE(ask(signed_in, kStart + 70s));
  CHECK_FALSE(std::get<Answer>(step).refresh);
  store.purge();
  keep(ok({{"Cache-Control", "public, max-age=60, stale-while-revalidate=30"}}));
  REQUIRE(ask(signed_in, kStart + 70s));
  CHECK(std::get<Answer>(step).refresh);
}

TEST_CASE_FIXTURE(CacheFilterScene, "a refresh asks in any case, unless somebody else is at it") {
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

TEST_CASE_FIXTURE(CacheFilterScene,
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

TEST_CASE_FIXTURE(CacheFilterScene,
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

TEST_CASE_FIXTURE(CacheFilterScene, "a refresh whose cookie has spoilt it holds back those with cookies only") {
  keep(ok({{"Cache-Control", "public, max-age=60, stale-while-revalidate=300"}}));
  const Request with_cookie = get("/a", {{"Cookie", "a=b"}});
  const auto asks_for_refresh = [&](const Request& by, Time now) {
    REQUIRE(ask(by, now));
    return std::get<Answer>(step).refresh;
  };
  CHECK(asks_for_refresh(with_cookie, kStart + 70s));
  begin(kStart + 70s);
  request_context.background = true;
  filter.emplace(context);
  REQUIRE(proceeds(step_of(*filter, call, kStart + 70s)));
  head_comes(ok({{"Cache-Control", "private"}}), kStart + 70s);
  done(Outcome::abandoned, kStart + 70s);
  CHECK_FALSE(asks_for_refresh(with_cookie, kStart + 99s));
  CHECK(asks_for_refresh(get(), kStart + 70s));
  CHECK(asks_for_refresh(with_cookie, kStart + 100s));
}

TEST_CASE_FIXTURE(CacheFilterScene,
                  "only-if-cached goes no further, whatever else the request asks; other methods do") {
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

TEST_CASE_FIXTURE(CacheFilterScene,
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
