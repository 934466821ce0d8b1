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

  Fixture() { upstream.cache.serve = config::Serve::normal; }

  std::optional<Reply> ask(Request r, Time now = kStart) {
    request = std::move(r);
    begin(now);
    filter.emplace(context);
    return filter->on_request(x, now);
  }
  Reply head_comes(Response r, Time now = kStart) {
    sent(now);
    response = std::move(r);
    Reply reply = head(now);
    filter->on_reply(x, reply, now);
    return reply;
  }
  void done(Outcome outcome = Outcome::complete, Time now = kStart) {
    x.outcome = outcome;
    filter->on_done(x, now);
    filter.reset();
  }
  void keep(Response answer, Request r = get(), Time now = kStart) {
    ask(std::move(r), now);
    head_comes(std::move(answer), now);
    filter->on_body(x, "hello");
    done(Outcome::complete, now);
  }
  std::uint64_t events(Event event) { return context.cache_partition->events(event); }
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
  CHECK(x.conditions.empty());
  CHECK(x.hold == Hold::none);
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
  CHECK(x.has(Flag::cache_hit));
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
  CHECK(x.conditions == "If-None-Match: \"1\"\r\n");
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
  CHECK_FALSE(filter->detour());
  const Reply reply = head_comes(not_modified({{"ETag", "\"2\""}}), kStart + 60s);
  CHECK(filter->detour() == "orders");
  CHECK(reply.problem == Problem::upstream_protocol_error);
  CHECK(context.cache_partition->entries() == 0);
}

TEST_CASE_FIXTURE(Fixture, "a 304 to the client's own condition is not taken for one to ours") {
  CHECK_FALSE(ask(get("/a", {{"If-None-Match", "\"1\""}})));
  CHECK(x.conditions.empty());
  CHECK(head_comes(not_modified()).origin == Reply::Origin::upstream);
}

TEST_CASE_FIXTURE(Fixture, "stale-while-revalidate answers, and asks the session for a refresh") {
  keep(ok({{"Cache-Control", "max-age=60, stale-while-revalidate=30"}}));
  const auto reply = ask(get(), kStart + 90s);
  REQUIRE(reply);
  CHECK(x.refresh);
  CHECK(x.has(Flag::cache_stale));
  CHECK(extra(*reply, "Cache-Status") == "fusewire; hit; ttl=-30; detail=stale-while-revalidate");
  CHECK(events(Event::stale) == 1);
  CHECK_FALSE(ask(get(), kStart + 91s));
}

TEST_CASE_FIXTURE(Fixture, "no refresh is asked for with credentials whose answer could not be stored") {
  const Request signed_in = get("/a", {{"Authorization", "x"}});
  keep(ok({{"Cache-Control", "max-age=60, stale-while-revalidate=30"}}));
  REQUIRE(ask(signed_in, kStart + 70s));
  CHECK_FALSE(x.refresh);
  store.purge();
  keep(ok({{"Cache-Control", "public, max-age=60, stale-while-revalidate=30"}}));
  REQUIRE(ask(signed_in, kStart + 70s));
  CHECK(x.refresh);
}

TEST_CASE_FIXTURE(Fixture, "a refresh asks in any case, unless somebody else is at it") {
  keep(ok({{"Cache-Control", "max-age=60, stale-while-revalidate=30"}, {"ETag", "\"1\""}}));
  request = get();
  begin(kStart + 70s);
  x.background = true;
  filter.emplace(context);
  CHECK_FALSE(filter->on_request(x, kStart + 70s));
  CHECK_FALSE(x.conditions.empty());
  CacheFilter second(context);
  Exchange other = x;
  CHECK(second.on_request(other, kStart + 70s));
  CHECK(other.hold == Hold::none);
  done();
}

TEST_CASE_FIXTURE(Fixture,
                  "a refresh that fails is not tried again for a second, one that nobody may keep for half a minute") {
  const auto refresh = [&](Time now) {
    request = get();
    begin(now);
    x.background = true;
    filter.emplace(context);
    REQUIRE_FALSE(filter->on_request(x, now));
  };
  const auto wanted = [&](Time now) {
    Exchange other = x;
    other.background = other.refresh = false;
    CacheFilter filter_of_other(context);
    return filter_of_other.on_request(other, now).has_value() && other.refresh;
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

TEST_CASE_FIXTURE(Fixture, "a second request waits for the first one's fetch, and is answered with its response") {
  ask(get());
  CacheFilter second(context);
  Exchange other = x;
  CHECK_FALSE(second.on_request(other, kStart));
  REQUIRE(other.hold == Hold::wait);
  const auto follower = std::make_shared<RecordingFollower>();
  REQUIRE(second.follow(follower));
  head_comes(ok());
  filter->on_body(x, "hello");
  CHECK_FALSE(follower->how);
  done();
  CHECK(follower->how == Ended::stored);
  other.hold = Hold::alone;
  const auto reply = second.on_request(other, kStart + 1s);
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
  for (const End& end : {End{ok(), Outcome::complete, Ended::stored}, End{ok(), Outcome::incomplete, Ended::alone},
                         End{ok(), Outcome::client_gone, Ended::vacant}, End{ok(), Outcome::cut_off, Ended::vacant},
                         End{ok({{"Cache-Control", "private"}}), Outcome::client_gone, Ended::alone},
                         End{ok({{"Cache-Control", "max-age=0"}}), Outcome::complete, Ended::alone}}) {
    fetches.mark_shareable("orders 0 http://shop.test/a");
    store.purge();
    ask(get());
    const auto follower = std::make_shared<RecordingFollower>();
    REQUIRE(fetches.follow("orders 0 http://shop.test/a", follower));
    head_comes(end.response);
    filter->on_body(x, "hello");
    done(end.outcome);
    CHECK(follower->how == end.how);
  }
}

TEST_CASE_FIXTURE(Fixture, "a fetch that its client holds up sets those who wait free") {
  ask(get());
  const auto follower = std::make_shared<RecordingFollower>();
  REQUIRE(fetches.follow("orders 0 http://shop.test/a", follower));
  filter->on_client_stalled();
  CHECK(follower->how == Ended::alone);
}

TEST_CASE_FIXTURE(Fixture, "nobody waits for what can't be shared as far as one can tell") {
  for (Request r : {get("/a", {{"Range", "bytes=0-1"}}), get("/a", {{"Authorization", "x"}}),
                    get("/a", {{"If-None-Match", "\"1\""}}), get("/a", {{"Cache-Control", "no-store"}}),
                    get("/a", {{"Expect", "100-continue"}})}) {
    CHECK_FALSE(ask(r));
    CacheFilter second(context);
    Exchange other = x;
    CHECK_FALSE(second.on_request(other, kStart));
    CHECK(other.hold == Hold::none);
  }
}

TEST_CASE_FIXTURE(Fixture,
                  "when a response turns out too large, those who wait are set free, and nobody waits for it") {
  upstream.cache.max_object = 10;
  Response chunked = ok();
  chunked.body = BodyKind::chunked;
  ask(get());
  const auto follower = std::make_shared<RecordingFollower>();
  REQUIRE(fetches.follow("orders 0 http://shop.test/a", follower));
  head_comes(chunked);
  filter->on_body(x, "hello");
  CHECK_FALSE(follower->how);
  filter->on_body(x, "hello!");
  CHECK(follower->how == Ended::alone);
  CHECK(fetches.is_unshareable("orders 0 http://shop.test/a", kStart + 1s));
}

TEST_CASE_FIXTURE(Fixture, "who wants an answer of the upstream's own waits for nobody, but may be waited for") {
  for (const char* control : {"no-cache", "max-age=0"}) {
    CHECK_FALSE(ask(get()));
    Request own = get("/a", {{"Cache-Control", control}});
    CacheFilter second(context);
    Exchange other = x;
    other.request = &own;
    CHECK_FALSE(second.on_request(other, kStart));
    CHECK(other.hold == Hold::none);
    done();
    CHECK_FALSE(ask(own));
    CacheFilter third(context);
    Exchange plain = x;
    const Request any = get();
    plain.request = &any;
    CHECK_FALSE(third.on_request(plain, kStart));
    CHECK(plain.hold == Hold::wait);
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
  x.connection_bound = true;
  CacheFilter signed_in(context);
  CHECK_FALSE(signed_in.on_request(x, late));
  CHECK(x.conditions.empty());
  sent(late);
  response = kTagged;
  Reply reply = head(late);
  signed_in.on_reply(x, reply, late);
  CHECK_FALSE(signed_in.remembers());

  CHECK_FALSE(ask(get(), late));
  CHECK(x.hold == Hold::none);  // it does not wait for the other one's response
  CHECK_FALSE(x.conditions.empty());
  CHECK(events(Event::store) == 1);
}
