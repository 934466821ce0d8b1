// SPDX-License-Identifier: Apache-2.0
#include "filters/cache/cache_memory.hpp"

#include <doctest/doctest.h>

#include <optional>

#include "tests/unit/filters/stored.hpp"

using namespace fusewire;
using namespace fusewire::cache;
using namespace fusewire::test;

namespace {

struct Fixture : Scene {
  Store store{4 << 20};
  ChainContext context{nullptr, nullptr, &store, store.partition("orders")};
  std::optional<CacheMemory> filter;

  std::optional<Reply> ask(Request r, Time now = kStart) {
    request = std::move(r);
    begin(now);
    filter.emplace(context);
    auto reply = filter->on_request(x, now);
    if (!reply) sent(now);
    return reply;
  }
  void head_comes(Response r, Time now = kStart) {
    response = std::move(r);
    Reply reply = head(now);
    filter->on_reply(x, reply, now);
  }
  void done(Outcome outcome = Outcome::complete, Time now = kStart) {
    x.outcome = outcome;
    filter->on_done(x, now);
    filter.reset();
  }
  // A whole exchange.
  void exchange(Request r, Response answer, std::string_view body = "hello", Time now = kStart) {
    ask(std::move(r), now);
    head_comes(std::move(answer), now);
    filter->on_body(x, body);
    done(Outcome::complete, now);
  }
  EntryPtr stored(std::string_view target = "/a", FieldPairs fields = {}) {
    return store.find(*context.cache_partition, uri_key(get(target)), make_fields(fields));
  }
  std::uint64_t events(Event event) { return context.cache_partition->events(event); }
};

Request with_method(std::string_view method, std::string_view target = "/a") {
  Request request = get(target);
  request.method = method;
  return request;
}

Response with_status(int status, FieldPairs fields = {{"Cache-Control", "max-age=60"}}) {
  Response response = ok(fields);
  response.status = status;
  return response;
}

Response chunked(FieldPairs fields = {{"Cache-Control", "max-age=60"}}) {
  Response response = ok(fields);
  response.body = BodyKind::chunked;
  response.content_length = 0;
  return response;
}

const std::string kEtag = "\"1\"";

}  // namespace

TEST_CASE_FIXTURE(Fixture, "a complete response is remembered with all its pieces") {
  ask(get());
  head_comes(ok());
  filter->on_body(x, "hel");
  filter->on_body(x, "lo");
  CHECK_FALSE(stored());
  done();
  REQUIRE(stored());
  CHECK(*stored()->body == "hello");
  CHECK(stored()->freshness.lifetime == 60s);
  CHECK(events(Event::store) == 1);
}

TEST_CASE_FIXTURE(Fixture, "a chunked response and an empty one are remembered") {
  exchange(get("/a"), chunked());
  CHECK(*stored("/a")->body == "hello");
  exchange(get("/b"), ok({{"Cache-Control", "max-age=60"}}, 0), "");
  CHECK(stored("/b")->body->empty());
}

TEST_CASE_FIXTURE(Fixture, "what did not come whole is never remembered") {
  for (Outcome outcome : {Outcome::incomplete, Outcome::client_gone, Outcome::abandoned, Outcome::reset,
                          Outcome::idle_timeout, Outcome::total_timeout, Outcome::protocol_error, Outcome::pending}) {
    ask(get());
    head_comes(ok());
    filter->on_body(x, "hello");
    done(outcome);
    CHECK_FALSE(stored());
  }
}

TEST_CASE_FIXTURE(Fixture, "a body that is not as long as was said is not remembered") {
  exchange(get(), ok(), "hell");
  CHECK_FALSE(stored());
}

TEST_CASE_FIXTURE(Fixture, "a body above max_object is given up, known or found out") {
  upstream.cache.max_object = 10;
  exchange(get(), ok({{"Cache-Control", "max-age=60"}}, 11), "hello world");
  CHECK_FALSE(stored());
  exchange(get(), chunked(), "hello world");
  CHECK_FALSE(stored());
  exchange(get(), chunked(), "hello worl");
  CHECK(stored());
}

TEST_CASE_FIXTURE(Fixture, "a body that does not fit into the memory is given up, and its room given back") {
  store.set_limit(20000);
  exchange(get(), ok({{"Cache-Control", "max-age=60"}}, 30000), std::string(30000, 'x'));
  exchange(get(), chunked(), std::string(30000, 'x'));
  CHECK_FALSE(stored());
  Store::Reservation all(store);
  CHECK(all.grow_to(20000));
}

TEST_CASE_FIXTURE(Fixture, "an object nearly as large as the memory is remembered") {
  store.set_limit(20000);
  exchange(get(), ok({{"Cache-Control", "max-age=60"}}, 15000), std::string(15000, 'x'));
  CHECK(stored());
}

TEST_CASE_FIXTURE(Fixture, "a chunked body in many pieces costs no more than its size and a little") {
  ask(get());
  head_comes(chunked());
  for (int i = 0; i < 1000; ++i) filter->on_body(x, std::string(100, 'x'));
  done();
  REQUIRE(stored());
  CHECK(stored()->body->size() == 100000);
  CHECK(stored()->cost <= 130000);
}

TEST_CASE_FIXTURE(Fixture, "what the client wants unstored is not stored, and takes nothing away") {
  exchange(get(), ok());
  exchange(get("/a", {{"Cache-Control", "no-store"}}), ok(), "other");
  CHECK(*stored()->body == "hello");
}

TEST_CASE_FIXTURE(Fixture, "a status that the fallback replaces is not remembered in its place") {
  upstream.fallback.on.statuses.set(404);
  exchange(get(), ok());
  exchange(get(), with_status(404), "gone!");
  CHECK(stored()->status == 200);
}

TEST_CASE_FIXTURE(Fixture, "without a cache step nothing is remembered, but changes are still heeded") {
  exchange(get(), ok());
  upstream.fallback.chain = {config::StaticStep{}};
  exchange(get("/b"), ok());
  CHECK_FALSE(stored("/b"));
  exchange(with_method("POST"), with_status(200), "");
  CHECK_FALSE(stored("/a"));
}

TEST_CASE_FIXTURE(Fixture, "an answer of our own is not looked at") {
  ask(get());
  response = ok();
  x.response = &response;
  Reply reply = problem(Outcome::complete, Problem::upstream_reset, 502);
  filter->on_reply(x, reply, kStart);
  filter->on_body(x, "hello");
  done();
  CHECK_FALSE(stored());
}

TEST_CASE_FIXTURE(Fixture, "the same strong ETag and length keeps the bytes and takes fields and times") {
  exchange(get(), ok({{"Cache-Control", "max-age=60"}, {"ETag", kEtag}, {"X-N", "1"}}));
  const EntryPtr old = stored();
  exchange(get(), ok({{"Cache-Control", "max-age=90"}, {"ETag", kEtag}, {"X-N", "2"}}), "hello", kStart + 30s);
  CHECK(stored()->body == old->body);
  CHECK(stored()->fields.find("x-n") == "2");
  CHECK(stored()->freshness.lifetime == 90s);
  CHECK(stored()->freshness.age(kStart + 30s) == 0s);
  CHECK(events(Event::refresh) == 1);
  CHECK(events(Event::store) == 1);
  CHECK(context.cache_partition->entries() == 1);
}

TEST_CASE_FIXTURE(Fixture, "the kept bytes need the new response to come whole too") {
  exchange(get(), ok({{"Cache-Control", "max-age=60"}, {"ETag", kEtag}}));
  ask(get(), kStart + 30s);
  head_comes(ok({{"Cache-Control", "max-age=60"}, {"ETag", kEtag}}), kStart + 30s);
  done(Outcome::incomplete, kStart + 30s);
  CHECK(stored()->freshness.received == kStart);
}

TEST_CASE_FIXTURE(Fixture, "another ETag, a weak one, or another length brings new bytes") {
  exchange(get(), ok({{"Cache-Control", "max-age=60"}, {"ETag", kEtag}}));
  exchange(get(), ok({{"Cache-Control", "max-age=60"}, {"ETag", "\"2\""}}), "HELLO");
  CHECK(*stored()->body == "HELLO");
  exchange(get(), ok({{"Cache-Control", "max-age=60"}, {"ETag", "\"2\""}}, 4), "four");
  CHECK(*stored()->body == "four");
  exchange(get(), ok({{"Cache-Control", "max-age=60"}, {"ETag", "W/\"2\""}}, 4), "FOUR");
  exchange(get(), ok({{"Cache-Control", "max-age=60"}, {"ETag", "W/\"2\""}}, 4), "Four");
  CHECK(*stored()->body == "Four");
  CHECK(events(Event::refresh) == 0);
}

TEST_CASE_FIXTURE(Fixture, "variants are remembered by what Vary names") {
  const FieldPairs fields = {{"Cache-Control", "max-age=60"}, {"Vary", "Accept-Language"}};
  exchange(get("/a", {{"Accept-Language", "de"}}), ok(fields), "hallo");
  exchange(get("/a", {{"Accept-Language", "en"}}), ok(fields), "hello");
  CHECK(*stored("/a", {{"accept-language", "de"}})->body == "hallo");
  CHECK(*stored("/a", {{"accept-language", "en"}})->body == "hello");
  CHECK_FALSE(stored("/a"));
}

TEST_CASE_FIXTURE(
    Fixture, "an unsafe method that succeeds forgets its target, Location and Content-Location of the same origin") {
  for (const char* method : {"POST", "PUT", "DELETE", "PATCH", "WHATEVER"}) {
    CAPTURE(method);
    for (const char* target : {"/a", "/b", "/c", "/d"}) exchange(get(target), ok());
    exchange(with_method(method), with_status(201, {{"Location", "http://SHOP.test/b"}, {"Content-Location", "/c"}}),
             "");
    CHECK_FALSE(stored("/a"));
    CHECK_FALSE(stored("/b"));
    CHECK_FALSE(stored("/c"));
    CHECK(stored("/d"));
  }
}

TEST_CASE_FIXTURE(Fixture, "a redirection counts as success, an error does not, another origin's Location is left") {
  exchange(get(), ok());
  exchange(with_method("POST"), with_status(400), "");
  exchange(with_method("POST"), with_status(503), "");
  CHECK(stored());
  exchange(get("/b"), ok());
  exchange(with_method("POST", "/x"), with_status(302, {{"Location", "http://other.test/b"}}), "");
  CHECK(stored("/b"));
  exchange(with_method("POST"), with_status(303, {{"Location", "/z"}}), "");
  CHECK_FALSE(stored());
}

TEST_CASE_FIXTURE(Fixture, "a safe method forgets nothing") {
  exchange(get(), ok());
  exchange(with_method("OPTIONS"), with_status(204), "");
  CHECK(stored());
}

TEST_CASE_FIXTURE(Fixture, "an answer that was asked for before a change is not remembered after it") {
  ask(get());
  head_comes(ok());
  filter->on_body(x, "hello");
  store.invalidate(uri_key(get()));
  done();
  CHECK_FALSE(stored());
  CHECK(events(Event::store) == 0);
}

TEST_CASE_FIXTURE(Fixture, "a 304 that passes through freshens what has its validator") {
  exchange(get(), ok({{"Cache-Control", "max-age=60"}, {"ETag", kEtag}, {"X-N", "1"}}));
  ask(get("/a", {{"If-None-Match", kEtag}}), kStart + 70s);
  head_comes(with_status(304, {{"Cache-Control", "max-age=90"}, {"ETag", kEtag}, {"X-N", "2"}}), kStart + 70s);
  done(Outcome::complete, kStart + 70s);
  REQUIRE(stored());
  CHECK(stored()->status == 200);
  CHECK(*stored()->body == "hello");
  CHECK(stored()->fields.find("x-n") == "2");
  CHECK(stored()->freshness.fresh(kStart + 159s));
  CHECK_FALSE(stored()->freshness.fresh(kStart + 160s));
  CHECK(events(Event::refresh) == 1);
}

TEST_CASE_FIXTURE(Fixture, "a 304 without Cache-Control keeps the stored one") {
  exchange(get(), ok({{"Cache-Control", "max-age=60"}, {"ETag", kEtag}}));
  ask(get("/a", {{"If-None-Match", kEtag}}), kStart + 70s);
  head_comes(with_status(304, {{"ETag", kEtag}}), kStart + 70s);
  CHECK(stored()->freshness.lifetime == 60s);
  CHECK(stored()->freshness.received == kStart + 70s);
}

TEST_CASE_FIXTURE(Fixture, "a 304 for another validator, or with nothing stored, changes nothing") {
  ask(get("/a", {{"If-None-Match", kEtag}}));
  head_comes(with_status(304, {{"ETag", kEtag}}));
  CHECK_FALSE(stored());
  exchange(get(), ok({{"Cache-Control", "max-age=60"}, {"ETag", "\"2\""}}));
  ask(get("/a", {{"If-None-Match", kEtag}}), kStart + 10s);
  head_comes(with_status(304, {{"ETag", kEtag}}), kStart + 10s);
  CHECK(stored()->freshness.received == kStart);
}

TEST_CASE_FIXTURE(Fixture, "a 304 that now forbids storing takes the stored response away") {
  for (const char* control : {"no-store", "private", "no-cache"}) {
    CAPTURE(control);
    exchange(get(), ok({{"Cache-Control", "max-age=60"}, {"ETag", kEtag}}));
    ask(get("/a", {{"If-None-Match", kEtag}}), kStart + 10s);
    head_comes(with_status(304, {{"Cache-Control", control}, {"ETag", kEtag}}), kStart + 10s);
    CHECK_FALSE(stored());
  }
}

TEST_CASE_FIXTURE(Fixture, "a 304 to one client's credentials leaves what is stored for all") {
  exchange(get(), ok({{"Cache-Control", "max-age=60"}, {"ETag", kEtag}}));
  ask(get("/a", {{"If-None-Match", kEtag}, {"Authorization", "Basic eDp5"}}), kStart + 10s);
  head_comes(with_status(304, {{"ETag", kEtag}}), kStart + 10s);
  REQUIRE(stored());
  CHECK(stored()->freshness.received == kStart);
}

TEST_CASE_FIXTURE(Fixture, "HEAD that agrees freshens, HEAD that contradicts forgets, HEAD alone stores nothing") {
  exchange(with_method("HEAD"), ok(), "");
  CHECK_FALSE(stored());
  exchange(get(), ok({{"Cache-Control", "max-age=60"}, {"ETag", kEtag}}));
  ask(with_method("HEAD"), kStart + 10s);
  head_comes(ok({{"Cache-Control", "max-age=60"}, {"ETag", kEtag}, {"Content-Length", "5"}}), kStart + 10s);
  REQUIRE(stored());
  CHECK(stored()->freshness.received == kStart + 10s);
  ask(with_method("HEAD"), kStart + 20s);
  head_comes(ok({{"Cache-Control", "max-age=60"}, {"ETag", kEtag}, {"Content-Length", "6"}}), kStart + 20s);
  CHECK_FALSE(stored());
  CHECK(events(Event::invalidate) == 1);
}

TEST_CASE_FIXTURE(Fixture, "only-if-cached is answered from the store, fresh or as stale as the client accepts") {
  exchange(get(), ok());
  const auto reply = ask(get("/a", {{"Cache-Control", "only-if-cached"}}), kStart + 18s);
  REQUIRE(reply);
  CHECK(reply->body == "hello");
  CHECK(extra(*reply, "cache-status") == "fusewire; hit; ttl=42");
  CHECK(extra(*reply, "age") == "18");
  CHECK(x.outcome == Outcome::local);
  CHECK(x.has(Flag::cache_hit));
  const auto stale = ask(get("/a", {{"Cache-Control", "only-if-cached, max-stale=100"}}), kStart + 102s);
  REQUIRE(stale);
  CHECK(extra(*stale, "cache-status") == "fusewire; hit; ttl=-42");
  CHECK(x.has(Flag::cache_stale));
}

TEST_CASE_FIXTURE(Fixture, "only-if-cached with nothing that may be used is 504") {
  const auto reply = ask(get("/a", {{"Cache-Control", "only-if-cached"}}));
  REQUIRE(reply);
  CHECK(reply->status == 504);
  CHECK(reply->origin == Reply::Origin::problem);
  CHECK(reply->problem == Problem::not_cached);
  CHECK(extra(*reply, "cache-status") == "fusewire; detail=only-if-cached");
  CHECK(x.outcome == Outcome::local);
  exchange(get(), ok({{"Cache-Control", "max-age=60, stale-if-error=600"}}));
  const auto stale = ask(get("/a", {{"Cache-Control", "only-if-cached"}}), kStart + 60s);
  REQUIRE(stale);
  CHECK(stale->status == 504);
}

TEST_CASE_FIXTURE(Fixture,
                  "where there is no cache, only-if-cached is the upstream's matter; other directives go there too") {
  CHECK_FALSE(ask(get("/a", {{"Cache-Control", "no-cache, max-age=0"}})));
  upstream.fallback.chain.clear();
  CHECK_FALSE(ask(get("/a", {{"Cache-Control", "only-if-cached"}})));
}

TEST_CASE_FIXTURE(Fixture, "HEAD that names no validator leaves what is stored as it is, whatever its length") {
  exchange(get("/a"), ok());
  exchange(get("/b"), ok({{"Cache-Control", "max-age=60"}, {"ETag", kEtag}}));
  for (const char* target : {"/a", "/b"}) {
    ask(with_method("HEAD", target), kStart + 10s);
    head_comes(ok({{"Cache-Control", "max-age=60"}, {"Content-Length", "5"}}), kStart + 10s);
    REQUIRE(stored(target));
    CHECK(stored(target)->freshness.received == kStart);
  }
}

TEST_CASE_FIXTURE(Fixture, "HEAD that contradicts the stored status, or any one validator, forgets what is stored") {
  const FieldPairs fields = {{"Cache-Control", "max-age=60"}, {"ETag", kEtag}, {"Last-Modified", kDate}};
  exchange(get(), with_status(404, fields));
  ask(with_method("HEAD"), kStart + 10s);
  head_comes(ok(fields), kStart + 10s);
  CHECK_FALSE(stored());
  exchange(get(), ok(fields));
  ask(with_method("HEAD"), kStart + 10s);
  head_comes(ok({{"Cache-Control", "max-age=60"}, {"ETag", kEtag}, {"Last-Modified", "Sun, 06 Nov 1994 09:00:00 GMT"}}),
             kStart + 10s);
  CHECK_FALSE(stored());
}

TEST_CASE_FIXTURE(Fixture, "bytes are kept only for the same status and coding") {
  exchange(get(), ok({{"Cache-Control", "max-age=60"}, {"ETag", kEtag}}));
  exchange(get(), ok({{"Cache-Control", "max-age=60"}, {"ETag", kEtag}, {"Content-Encoding", "gzip"}}), "coded");
  CHECK(*stored()->body == "coded");
  exchange(get(), with_status(404, {{"Cache-Control", "max-age=60"}, {"ETag", kEtag}, {"Content-Encoding", "gzip"}}),
           "error");
  CHECK(*stored()->body == "error");
  CHECK(stored()->status == 404);
  CHECK(events(Event::refresh) == 0);
}

TEST_CASE_FIXTURE(Fixture, "room is made for what has come of a body, not for what was announced") {
  store.set_limit(200000);
  exchange(get("/b"), ok({{"Cache-Control", "max-age=60"}}, 20000), std::string(20000, 'x'));
  ask(get());
  head_comes(ok({{"Cache-Control", "max-age=60"}}, 190000));
  CHECK(stored("/b"));
  filter->on_body(x, std::string(100000, 'x'));
  CHECK(stored("/b"));
  filter->on_body(x, std::string(90000, 'x'));
  CHECK_FALSE(stored("/b"));
  done();
  CHECK(stored());
}

TEST_CASE_FIXTURE(Fixture, "an answer that forbids storing, or says that there is nothing, takes the older one away") {
  for (const Response& answer : {ok({{"Cache-Control", "no-store"}}), ok({{"Cache-Control", "private"}}),
                                 with_status(404, {}), with_status(410, {})}) {
    exchange(get(), ok());
    exchange(get(), answer, "other");
    CHECK_FALSE(stored());
  }
}

TEST_CASE_FIXTURE(Fixture, "an answer to a range or to credentials, and an error, take nothing away") {
  exchange(get(), ok());
  exchange(get("/a", {{"Range", "bytes=0-1"}}), with_status(404, {}), "other");
  exchange(get("/a", {{"Authorization", "Basic eDp5"}}), ok({{"Cache-Control", "private"}}), "other");
  exchange(get(), with_status(500, {{"Cache-Control", "no-store"}}), "other");
  CHECK(stored());
  upstream.fallback.on.statuses.set(404);
  exchange(get(), with_status(404, {{"Cache-Control", "no-store"}}), "other");
  CHECK(stored());
}

TEST_CASE_FIXTURE(Fixture, "only-if-cached says nothing to methods that are not answered from here") {
  Request post = with_method("POST");
  post.fields.add("Cache-Control", "only-if-cached");
  CHECK_FALSE(ask(post));
}

TEST_CASE_FIXTURE(Fixture,
                  "with max_stale a response without freshness is remembered; its strong ETag keeps the bytes") {
  upstream.fallback.chain = {config::CacheStep{.max_stale = 600s}};
  exchange(get(), ok({{"ETag", kEtag}}));
  REQUIRE(stored());
  const auto bytes = stored()->body;
  exchange(get(), ok({{"ETag", kEtag}, {"X-New", "1"}}), "hello", kStart + 5s);
  CHECK(stored()->body == bytes);
  CHECK(stored()->fields.find("x-new") == "1");
  CHECK(stored()->freshness.received == kStart + 5s);
  exchange(get(), ok({{"ETag", "\"2\""}}), "other", kStart + 6s);
  CHECK(*stored()->body == "other");
  CHECK(events(Event::refresh) == 1);
}

TEST_CASE_FIXTURE(Fixture, "what one route's scope has stored is not another's") {
  x.cache_scope = {};
  exchange(get(), ok());
  const auto find = [&](std::string_view scope) {
    return store.find({*context.cache_partition, 0, scope}, uri_key(get()), {});
  };
  CHECK(find(""));
  CHECK_FALSE(find("other"));
  context.cache_generation = 1;
  ask(get());
  x.cache_scope = "other";
  head_comes(ok());
  filter->on_body(x, "hello");
  done();
  CHECK_FALSE(find("other"));
  CHECK(store.find({*context.cache_partition, 1, "other"}, uri_key(get()), {}));
}
