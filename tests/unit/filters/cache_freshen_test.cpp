// SPDX-License-Identifier: Apache-2.0
// What a response says of one that is stored already: it is kept with new fields and times, replaced, or forgotten.
#include <doctest/doctest.h>

#include "tests/unit/filters/remembering.hpp"

using namespace fusewire;
using namespace fusewire::cache;
using namespace fusewire::test;

TEST_CASE_FIXTURE(Remembering, "the same strong ETag and length keeps the bytes and takes fields and times") {
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

TEST_CASE_FIXTURE(Remembering, "the kept bytes need the new response to come whole too") {
  exchange(get(), ok({{"Cache-Control", "max-age=60"}, {"ETag", kEtag}}));
  ask(get(), kStart + 30s);
  head_comes(ok({{"Cache-Control", "max-age=60"}, {"ETag", kEtag}}), kStart + 30s);
  done(Outcome::incomplete, kStart + 30s);
  CHECK(stored()->freshness.received == kStart);
}

TEST_CASE_FIXTURE(Remembering, "another ETag, a weak one, or another length brings new bytes") {
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

TEST_CASE_FIXTURE(Remembering, "a 304 that passes through freshens what has its validator") {
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

TEST_CASE_FIXTURE(Remembering, "a 304 without Cache-Control keeps the stored one") {
  exchange(get(), ok({{"Cache-Control", "max-age=60"}, {"ETag", kEtag}}));
  ask(get("/a", {{"If-None-Match", kEtag}}), kStart + 70s);
  head_comes(with_status(304, {{"ETag", kEtag}}), kStart + 70s);
  CHECK(stored()->freshness.lifetime == 60s);
  CHECK(stored()->freshness.received == kStart + 70s);
}

TEST_CASE_FIXTURE(Remembering, "a 304 for another validator, or with nothing stored, changes nothing") {
  ask(get("/a", {{"If-None-Match", kEtag}}));
  head_comes(with_status(304, {{"ETag", kEtag}}));
  CHECK_FALSE(stored());
  exchange(get(), ok({{"Cache-Control", "max-age=60"}, {"ETag", "\"2\""}}));
  ask(get("/a", {{"If-None-Match", kEtag}}), kStart + 10s);
  head_comes(with_status(304, {{"ETag", kEtag}}), kStart + 10s);
  CHECK(stored()->freshness.received == kStart);
}

TEST_CASE_FIXTURE(Remembering, "a 304 that now forbids storing takes the stored response away") {
  for (const char* control : {"no-store", "private", "no-cache"}) {
    CAPTURE(control);
    exchange(get(), ok({{"Cache-Control", "max-age=60"}, {"ETag", kEtag}}));
    ask(get("/a", {{"If-None-Match", kEtag}}), kStart + 10s);
    head_comes(with_status(304, {{"Cache-Control", control}, {"ETag", kEtag}}), kStart + 10s);
    CHECK_FALSE(stored());
  }
}

TEST_CASE_FIXTURE(Remembering, "a 304 to one client's credentials leaves what is stored for all") {
  exchange(get(), ok({{"Cache-Control", "max-age=60"}, {"ETag", kEtag}}));
  ask(get("/a", {{"If-None-Match", kEtag}, {"Authorization", "Basic eDp5"}}), kStart + 10s);
  head_comes(with_status(304, {{"ETag", kEtag}}), kStart + 10s);
  REQUIRE(stored());
  CHECK(stored()->freshness.received == kStart);
}

TEST_CASE_FIXTURE(Remembering, "HEAD that agrees freshens, HEAD that contradicts forgets, HEAD alone stores nothing") {
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

TEST_CASE_FIXTURE(Remembering, "HEAD that names no validator leaves what is stored as it is, whatever its length") {
  exchange(get("/a"), ok());
  exchange(get("/b"), ok({{"Cache-Control", "max-age=60"}, {"ETag", kEtag}}));
  for (const char* target : {"/a", "/b"}) {
    ask(with_method("HEAD", target), kStart + 10s);
    head_comes(ok({{"Cache-Control", "max-age=60"}, {"Content-Length", "5"}}), kStart + 10s);
    REQUIRE(stored(target));
    CHECK(stored(target)->freshness.received == kStart);
  }
}

TEST_CASE_FIXTURE(Remembering,
                  "HEAD that contradicts the stored status, or any one validator, forgets what is stored") {
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

TEST_CASE_FIXTURE(Remembering, "bytes are kept only for the same status and coding") {
  exchange(get(), ok({{"Cache-Control", "max-age=60"}, {"ETag", kEtag}}));
  exchange(get(), ok({{"Cache-Control", "max-age=60"}, {"ETag", kEtag}, {"Content-Encoding", "gzip"}}), "coded");
  CHECK(*stored()->body == "coded");
  exchange(get(), with_status(404, {{"Cache-Control", "max-age=60"}, {"ETag", kEtag}, {"Content-Encoding", "gzip"}}),
           "error");
  CHECK(*stored()->body == "error");
  CHECK(stored()->status == 404);
  CHECK(events(Event::refresh) == 0);
}

TEST_CASE_FIXTURE(Remembering, "a 304 or a HEAD to one client's Cookie or credentials takes nothing away") {
  exchange(get(), ok({{"Cache-Control", "max-age=60"}, {"ETag", kEtag}}));
  for (const char* name : {"Cookie", "Authorization"}) {
    CAPTURE(name);
    ask(get("/a", {{"If-None-Match", kEtag}, {name, "x"}}));
    head_comes(with_status(304, {{"Cache-Control", "private"}, {"ETag", kEtag}}));
    Request head = get("/a", {{name, "x"}});
    head.method = "HEAD";
    for (const char* control : {"private", "max-age=60"}) {
      ask(head);
      head_comes(ok({{"Cache-Control", control}, {"Content-Length", "7"}}));
      ask(head);
      head_comes(ok({{"Cache-Control", control}, {"ETag", "\"2\""}}));
    }
    CHECK(stored());
  }
  CHECK(events(Event::invalidate) == 0);
}
