// SPDX-License-Identifier: Apache-2.0
// What the cache remembers of the responses that pass.
#include <doctest/doctest.h>

#include "tests/unit/filters/remembering.hpp"

using namespace fusewire;
using namespace fusewire::cache;
using namespace fusewire::test;

TEST_CASE_FIXTURE(Remembering, "a complete response is remembered with all its pieces") {
  ask(get());
  head_comes(ok());
  filter->on_body(call, "hel");
  filter->on_body(call, "lo");
  CHECK_FALSE(stored());
  done();
  REQUIRE(stored());
  CHECK(*stored()->body == "hello");
  CHECK(stored()->freshness.lifetime == 60s);
  CHECK(events(Event::store) == 1);
}

TEST_CASE_FIXTURE(Remembering, "a chunked response and an empty one are remembered") {
  exchange(get("/a"), chunked());
  CHECK(*stored("/a")->body == "hello");
  exchange(get("/b"), ok({{"Cache-Control", "max-age=60"}}, 0), "");
  CHECK(stored("/b")->body->empty());
}

TEST_CASE_FIXTURE(Remembering, "what did not come whole is never remembered") {
  for (Outcome outcome : {Outcome::incomplete, Outcome::client_gone, Outcome::abandoned, Outcome::reset,
                          Outcome::idle_timeout, Outcome::total_timeout, Outcome::protocol_error, Outcome::pending}) {
    ask(get());
    head_comes(ok());
    filter->on_body(call, "hello");
    done(outcome);
    CHECK_FALSE(stored());
  }
}

TEST_CASE_FIXTURE(Remembering, "a body that is not as long as was said is not remembered") {
  exchange(get(), ok(), "hell");
  CHECK_FALSE(stored());
}

TEST_CASE_FIXTURE(Remembering, "a body above max_object is given up, known or found out") {
  upstream.cache.max_object = 10;
  exchange(get(), ok({{"Cache-Control", "max-age=60"}}, 11), "hello world");
  CHECK_FALSE(stored());
  exchange(get(), chunked(), "hello world");
  CHECK_FALSE(stored());
  exchange(get(), chunked(), "hello worl");
  CHECK(stored());
}

TEST_CASE_FIXTURE(Remembering, "a body that does not fit into the memory is given up, and its room given back") {
  store.set_limit(20000);
  exchange(get(), ok({{"Cache-Control", "max-age=60"}}, 30000), std::string(30000, 'x'));
  exchange(get(), chunked(), std::string(30000, 'x'));
  CHECK_FALSE(stored());
  Store::Reservation all(store);
  CHECK(all.grow_to(20000));
}

TEST_CASE_FIXTURE(Remembering, "an object nearly as large as the memory is remembered") {
  store.set_limit(20000);
  exchange(get(), ok({{"Cache-Control", "max-age=60"}}, 15000), std::string(15000, 'x'));
  CHECK(stored());
}

TEST_CASE_FIXTURE(Remembering, "a chunked body in many pieces costs no more than its size and a little") {
  ask(get());
  head_comes(chunked());
  for (int i = 0; i < 1000; ++i) filter->on_body(call, std::string(100, 'x'));
  done();
  REQUIRE(stored());
  CHECK(stored()->body->size() == 100000);
  CHECK(stored()->cost <= 130000);
}

TEST_CASE_FIXTURE(Remembering, "what the client wants unstored is not stored, and takes nothing away") {
  exchange(get(), ok());
  exchange(get("/a", {{"Cache-Control", "no-store"}}), ok(), "other");
  CHECK(*stored()->body == "hello");
}

TEST_CASE_FIXTURE(Remembering, "a status that the fallback replaces is not remembered in its place") {
  upstream.fallback.on.statuses.set(404);
  exchange(get(), ok());
  exchange(get(), with_status(404), "gone!");
  CHECK(stored()->status == 200);
}

TEST_CASE_FIXTURE(Remembering, "without a cache step nothing is remembered, but changes are still heeded") {
  exchange(get(), ok());
  upstream.fallback.chain = {config::StaticStep{}};
  exchange(get("/b"), ok());
  CHECK_FALSE(stored("/b"));
  exchange(with_method("POST"), with_status(200), "");
  CHECK_FALSE(stored("/a"));
}

TEST_CASE_FIXTURE(Remembering, "an answer of our own is not looked at") {
  ask(get());
  response = ok();
  x.response = &response;
  Reply reply = problem(Outcome::complete, Problem::upstream_reset, 502);
  filter->on_reply(call, reply, kStart);
  filter->on_body(call, "hello");
  done();
  CHECK_FALSE(stored());
}

TEST_CASE_FIXTURE(Remembering, "variants are remembered by what Vary names") {
  const FieldPairs fields = {{"Cache-Control", "max-age=60"}, {"Vary", "Accept-Language"}};
  exchange(get("/a", {{"Accept-Language", "de"}}), ok(fields), "hallo");
  exchange(get("/a", {{"Accept-Language", "en"}}), ok(fields), "hello");
  CHECK(*stored("/a", {{"accept-language", "de"}})->body == "hallo");
  CHECK(*stored("/a", {{"accept-language", "en"}})->body == "hello");
  CHECK_FALSE(stored("/a"));
}

TEST_CASE_FIXTURE(
    Remembering,
    "an unsafe method that succeeds forgets its target, Location and Content-Location of the same origin") {
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

TEST_CASE_FIXTURE(Remembering,
                  "a redirection counts as success, an error does not, another origin's Location is left") {
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

TEST_CASE_FIXTURE(Remembering, "a safe method forgets nothing") {
  exchange(get(), ok());
  exchange(with_method("OPTIONS"), with_status(204), "");
  CHECK(stored());
}

TEST_CASE_FIXTURE(Remembering, "an answer that was asked for before a change is not remembered after it") {
  ask(get());
  head_comes(ok());
  filter->on_body(call, "hello");
  store.invalidate(uri_key(get()));
  done();
  CHECK_FALSE(stored());
  CHECK(events(Event::store) == 0);
}

TEST_CASE_FIXTURE(Remembering, "only-if-cached is answered from the store, fresh or as stale as the client accepts") {
  exchange(get(), ok());
  const auto reply = ask(get("/a", {{"Cache-Control", "only-if-cached"}}), kStart + 18s);
  REQUIRE(reply);
  CHECK(reply->body == "hello");
  CHECK(extra(*reply, "cache-status") == "fusewire; hit; ttl=42");
  CHECK(extra(*reply, "age") == "18");
  CHECK(x.outcome == Outcome::local);
  CHECK(call.has(Flag::cache_hit));
  const auto stale = ask(get("/a", {{"Cache-Control", "only-if-cached, max-stale=100"}}), kStart + 102s);
  REQUIRE(stale);
  CHECK(extra(*stale, "cache-status") == "fusewire; hit; ttl=-42");
  CHECK(call.has(Flag::cache_stale));
}

TEST_CASE_FIXTURE(Remembering, "only-if-cached with nothing that may be used is 504") {
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

TEST_CASE_FIXTURE(Remembering,
                  "where there is no cache, only-if-cached is the upstream's matter; other directives go there too") {
  CHECK_FALSE(ask(get("/a", {{"Cache-Control", "no-cache, max-age=0"}})));
  upstream.fallback.chain.clear();
  CHECK_FALSE(ask(get("/a", {{"Cache-Control", "only-if-cached"}})));
}

TEST_CASE_FIXTURE(Remembering, "room is made for what has come of a body, not for what was announced") {
  store.set_limit(200000);
  exchange(get("/b"), ok({{"Cache-Control", "max-age=60"}}, 20000), std::string(20000, 'x'));
  ask(get());
  head_comes(ok({{"Cache-Control", "max-age=60"}}, 190000));
  CHECK(stored("/b"));
  filter->on_body(call, std::string(100000, 'x'));
  CHECK(stored("/b"));
  filter->on_body(call, std::string(90000, 'x'));
  CHECK_FALSE(stored("/b"));
  done();
  CHECK(stored());
}

TEST_CASE_FIXTURE(Remembering,
                  "an answer that forbids storing, or says that there is nothing, takes the older one away") {
  for (const Response& answer :
       {ok({{"Cache-Control", "no-store"}}), ok({{"Cache-Control", "private"}}),
        with_status(302, {{"Cache-Control", "no-store"}}), with_status(404, {}), with_status(410, {})}) {
    exchange(get(), ok());
    exchange(get(), answer, "other");
    CHECK_FALSE(stored());
  }
}

TEST_CASE_FIXTURE(Remembering, "an answer to a range or to credentials, and an error, take nothing away") {
  exchange(get(), ok());
  exchange(get("/a", {{"Range", "bytes=0-1"}}), with_status(404, {}), "other");
  exchange(get("/a", {{"Authorization", "Basic eDp5"}}), ok({{"Cache-Control", "private"}}), "other");
  exchange(get(), with_status(500, {{"Cache-Control", "no-store"}}), "other");
  CHECK(stored());
  upstream.fallback.on.statuses.set(404);
  exchange(get(), with_status(404, {{"Cache-Control", "no-store"}}), "other");
  CHECK(stored());
}

TEST_CASE_FIXTURE(Remembering, "an injected fault takes nothing away") {
  exchange(get(), ok());
  ask(get());
  x.injected.abort = 404;
  head_comes(with_status(404, {}));
  done(Outcome::complete);
  CHECK(stored());
}

TEST_CASE_FIXTURE(Remembering, "an error that is about its request, and any answer to a Cookie, take nothing away") {
  exchange(get(), ok());
  for (const char* control : {"no-store", "no-cache", "private"}) {
    for (const int status : {400, 401, 403, 405, 414, 429, 451})
      exchange(get(), with_status(status, {{"Cache-Control", control}}), "other");
    for (const int status : {200, 302, 404, 410})
      exchange(get("/a", {{"Cookie", "s=1"}}), with_status(status, {{"Cache-Control", control}}), "other");
    exchange(get("/a", {{"Expect", "100-continue"}}), ok({{"Cache-Control", control}}), "other");
  }
  REQUIRE(stored());
  CHECK(*stored()->body == "hello");
  CHECK(events(Event::invalidate) == 0);
}

TEST_CASE_FIXTURE(Remembering, "an error that answers a Cookie or credentials takes no good response's place") {
  exchange(get(), ok());
  for (const char* name : {"Cookie", "Authorization"})
    for (const char* control : {"public, max-age=0", "public, max-age=60"})
      for (const int status : {404, 405, 410})
        exchange(get("/a", {{name, "x"}}), with_status(status, {{"Cache-Control", control}}), "other");
  CHECK(*stored()->body == "hello");
  exchange(get(), with_status(404), "gone!");
  CHECK(*stored()->body == "gone!");
  exchange(get("/a", {{"Cookie", "x"}}), with_status(404), "again");
  CHECK(*stored()->body == "again");
  exchange(get("/a", {{"Cookie", "x"}}), ok());
  CHECK(*stored()->body == "hello");
}

TEST_CASE_FIXTURE(Remembering, "an error that a request may have brought about takes no good response's place") {
  exchange(get(), ok());
  for (const int status : {400, 403, 405, 414, 501}) exchange(get(), with_status(status), "other");
  CHECK(*stored()->body == "hello");
}

TEST_CASE_FIXTURE(Remembering, "an error without Vary does not stand before the variants of a good response") {
  exchange(get("/a", {{"Accept-Language", "en"}}), ok({{"Cache-Control", "max-age=60"}, {"Vary", "Accept-Language"}}));
  exchange(get("/a", {{"Accept-Language", "xx"}}), with_status(405), "other");
  const auto kept = stored("/a", {{"Accept-Language", "en"}});
  REQUIRE(kept);
  CHECK(*kept->body == "hello");
}

TEST_CASE_FIXTURE(Remembering, "only-if-cached says nothing to methods that are not answered from here") {
  Request post = with_method("POST");
  post.fields.add("Cache-Control", "only-if-cached");
  CHECK_FALSE(ask(post));
}

TEST_CASE_FIXTURE(Remembering,
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

TEST_CASE_FIXTURE(Remembering, "what one route's scope has stored is not another's") {
  call.cache_scope = {};
  exchange(get(), ok());
  const auto find = [&](std::string_view scope) {
    return store.find({*context.cache_partition, 0, scope}, uri_key(get()), {});
  };
  CHECK(find(""));
  CHECK_FALSE(find("other"));
  context.cache_generation = 1;
  ask(get());
  call.cache_scope = "other";
  head_comes(ok());
  filter->on_body(call, "hello");
  done();
  CHECK_FALSE(find("other"));
  CHECK(store.find({*context.cache_partition, 1, "other"}, uri_key(get()), {}));
}
