// SPDX-License-Identifier: Apache-2.0
#include "filters/cache/answer.hpp"

#include <doctest/doctest.h>

#include "tests/unit/filters/stored.hpp"

using namespace fusewire;
using namespace fusewire::cache;
using namespace fusewire::test;

namespace {

constexpr StaleRule kNoError{};
constexpr StaleRule kError{.on_error = true, .max_stale = 0ms};
constexpr StaleRule kTenMinutes{.on_error = true, .max_stale = 600s};

// Whether a response with this Cache-Control, `age` old, may answer.
bool may(std::string_view control, seconds age, StaleRule rule, std::string_view asked = "x") {
  const EntryPtr entry = entry_with({{"Cache-Control", control}});
  return may_answer(request_directives(make_fields({{"Cache-Control", asked}})), entry->freshness, rule, kStart + age);
}

struct Fixture : Scene {
  Store store{1 << 20};
  std::shared_ptr<Partition> partition = store.partition("orders");
  ChainContext context{.store = &store, .cache_partition = partition};

  void put(FieldPairs fields, std::string body = "hello", int status = 200) {
    response = ok(fields, body.size());
    response.status = status;
    store.insert(entry_of(partition, get(), response, std::move(body)), {}, store.now_serial());
  }
  Reply ask(FieldPairs fields, Time now = kStart, std::string_view method = "GET") {
    request = get("/a", fields);
    request.method = method;
    EntryPtr entry = select(context, call, kTenMinutes, now);
    REQUIRE(entry);
    return answer(call, std::move(entry), "fusewire; hit", now);
  }
};

}  // namespace

TEST_CASE("what is fresh may answer, with or without an error") {
  CHECK(may("max-age=60", 59s, kNoError));
  CHECK(may("max-age=60", 59s, kError));
  CHECK(may("s-maxage=60", 59s, kError));
  CHECK(may("max-age=60, must-revalidate", 59s, kError));
}

TEST_CASE("without the operator's or the origin's word nothing stale answers, not for a moment") {
  CHECK_FALSE(may("max-age=60", 60s, kError));
  CHECK_FALSE(may("max-age=60", 61s, kError));
  CHECK_FALSE(may("max-age=0", 0s, kError));
}

TEST_CASE("stale answers up to max_stale") {
  CHECK(may("max-age=60", 60s, kTenMinutes));
  CHECK(may("max-age=60", 660s, kTenMinutes));
  CHECK_FALSE(may("max-age=60", 661s, kTenMinutes));
}

TEST_CASE("the response's own stale-if-error stands in place of max_stale, longer or shorter") {
  CHECK(may("max-age=60, stale-if-error=30", 90s, kError));
  CHECK_FALSE(may("max-age=60, stale-if-error=30", 91s, kError));
  CHECK_FALSE(may("max-age=60, stale-if-error=30", 91s, kTenMinutes));
  CHECK(may("max-age=60, stale-if-error=3600", 3600s, kTenMinutes));
  CHECK_FALSE(may("max-age=60, stale-if-error=0", 61s, kTenMinutes));
  CHECK_FALSE(may("max-age=60, stale-if-error=x", 61s, kTenMinutes));
}

TEST_CASE("stale-if-error is for errors alone") { CHECK_FALSE(may("max-age=60, stale-if-error=30", 61s, kNoError)); }

TEST_CASE("must-revalidate, proxy-revalidate, no-cache and s-maxage forbid stale, whatever anyone else says") {
  for (const char* control :
       {"max-age=60, must-revalidate", "max-age=60, proxy-revalidate", "max-age=60, no-cache", "s-maxage=60",
        "max-age=600, s-maxage=60", "max-age=60, must-revalidate, stale-if-error=3600"}) {
    CAPTURE(control);
    CHECK_FALSE(may(control, 61s, kTenMinutes));
    CHECK_FALSE(may(control, 61s, kTenMinutes, "max-stale"));
  }
}

TEST_CASE("the request's no-cache wants no stored answer") {
  CHECK_FALSE(may("max-age=60", 0s, kTenMinutes, "no-cache"));
  CHECK(may("max-age=60", 0s, kTenMinutes, "no-store"));
}

TEST_CASE("the request's max-age limits the age") {
  CHECK(may("max-age=60", 10s, kTenMinutes, "max-age=10"));
  CHECK_FALSE(may("max-age=60", 11s, kTenMinutes, "max-age=10"));
  CHECK_FALSE(may("max-age=60", 1s, kTenMinutes, "max-age=0"));
  CHECK(may("max-age=60", 15s, kTenMinutes, "max-age=10, max-stale=5"));
  CHECK_FALSE(may("max-age=60", 16s, kTenMinutes, "max-age=10, max-stale=5"));
  CHECK(may("max-age=60", 5s, kTenMinutes, "max-age=0, max-stale=5"));
  CHECK_FALSE(may("max-age=60", 6s, kTenMinutes, "max-age=0, max-stale=5"));
  CHECK(may("max-age=60", 6000s, kNoError, "max-age=10, max-stale"));
}

TEST_CASE("the request's min-fresh wants so much left") {
  CHECK(may("max-age=60", 50s, kTenMinutes, "min-fresh=10"));
  CHECK_FALSE(may("max-age=60", 51s, kTenMinutes, "min-fresh=10"));
  CHECK_FALSE(may("max-age=60", 61s, kTenMinutes, "min-fresh=0"));
}

TEST_CASE("the request's max-stale is the client's word: it allows and it limits") {
  CHECK(may("max-age=60", 70s, kNoError, "max-stale=10"));
  CHECK_FALSE(may("max-age=60", 71s, kNoError, "max-stale=10"));
  CHECK(may("max-age=60", 86400s, kNoError, "max-stale"));
  CHECK_FALSE(may("max-age=60", 71s, kTenMinutes, "max-stale=10"));
  CHECK_FALSE(may("max-age=60", 60s, kTenMinutes, "max-stale=0"));
}

TEST_CASE_FIXTURE(Fixture, "the answer has the stored fields, the bytes uncopied, the true Age and the original Date") {
  put({{"Cache-Control", "max-age=60"}, {"Date", "Sun, 06 Nov 1994 08:49:27 GMT"}, {"X-One", "1"}});
  const Reply reply = ask({}, kStart + 92s);
  CHECK(reply.origin == Reply::Origin::stored);
  CHECK(reply.status == 200);
  CHECK(reply.body == "hello");
  const auto entry = std::static_pointer_cast<const Entry>(reply.owner);
  CHECK(reply.body.data() == entry->body->data());
  CHECK(reply.fields.find("x-one") == "1");
  CHECK(reply.fields.find("date") == "Sun, 06 Nov 1994 08:49:27 GMT");
  CHECK(extra(reply, "age") == "102");
  CHECK(extra(reply, "cache-status") == "fusewire; hit");
}

TEST_CASE_FIXTURE(Fixture, "HEAD is answered from a stored GET, without its body") {
  put({{"Cache-Control", "max-age=60"}});
  const Reply reply = ask({}, kStart, "HEAD");
  CHECK(reply.status == 200);
  CHECK(reply.body.empty());
  CHECK(reply.content_length == 5);
}

TEST_CASE_FIXTURE(Fixture, "a stored 204 has no length on HEAD") {
  put({{"Cache-Control", "max-age=60"}}, "", 204);
  CHECK_FALSE(ask({}, kStart, "HEAD").content_length);
}

TEST_CASE_FIXTURE(Fixture, "who has what is stored gets a 304 without body and without its description") {
  put({{"Cache-Control", "max-age=60"},
       {"ETag", "\"1\""},
       {"Content-Type", "text/plain"},
       {"Content-Encoding", "gzip"},
       {"Content-Language", "en"},
       {"Content-Location", "/b"},
       {"Vary", "accept"}});
  const Reply reply = ask({{"If-None-Match", "\"1\""}});
  CHECK(reply.status == 304);
  CHECK(reply.body.empty());
  for (const char* kept : {"date", "etag", "vary", "cache-control", "content-location"}) CHECK(reply.fields.find(kept));
  for (const char* left : {"content-type", "content-encoding", "content-language"})
    CHECK_FALSE(reply.fields.find(left));
  CHECK(extra(reply, "age") == "0");
  CHECK(ask({{"If-None-Match", "\"2\""}}).status == 200);
  CHECK(ask({{"If-None-Match", "\"1\""}}, kStart, "HEAD").status == 304);
}

TEST_CASE_FIXTURE(Fixture, "a range is answered by its part") {
  put({{"Cache-Control", "max-age=60"}, {"Content-Type", "text/plain"}});
  const Reply reply = ask({{"Range", "bytes=1-3"}});
  CHECK(reply.status == 206);
  CHECK(reply.body == "ell");
  CHECK(extra(reply, "content-range") == "bytes 1-3/5");
  CHECK(reply.fields.find("content-type"));
}

TEST_CASE_FIXTURE(Fixture, "a range beyond the end is a 416 with the length") {
  put({{"Cache-Control", "max-age=60"}});
  const Reply reply = ask({{"Range", "bytes=5-"}});
  CHECK(reply.status == 416);
  CHECK(reply.body.empty());
  CHECK(extra(reply, "content-range") == "bytes */5");
}

TEST_CASE_FIXTURE(Fixture, "a condition comes before a range") {
  put({{"Cache-Control", "max-age=60"}, {"ETag", "\"1\""}});
  CHECK(ask({{"If-None-Match", "\"1\""}, {"Range", "bytes=1-3"}}).status == 304);
}

TEST_CASE_FIXTURE(Fixture, "hit, stale and miss are counted") {
  put({{"Cache-Control", "max-age=60"}});
  ask({}, kStart);
  ask({}, kStart + 60s);
  CHECK_FALSE(select(context, call, kTenMinutes, kStart + 661s));
  request = get("/other");
  CHECK_FALSE(select(context, call, kTenMinutes, kStart));
  CHECK(partition->events(Event::hit) == 1);
  CHECK(partition->events(Event::stale) == 1);
  CHECK(partition->events(Event::miss) == 2);
}

TEST_CASE_FIXTURE(Fixture, "only GET and HEAD without a body, and without If-Match, are answered") {
  put({{"Cache-Control", "max-age=60"}, {"ETag", "\"1\""}});
  const auto answered = [&] { return select(context, call, kTenMinutes, kStart) != nullptr; };
  CHECK(answered());
  request = get("/a", {{"If-Match", "\"1\""}});
  CHECK_FALSE(answered());
  request = get();
  request.body = BodyKind::length;
  CHECK(answered());
  request.content_length = 1;
  CHECK_FALSE(answered());
  request = get();
  request.method = "POST";
  CHECK_FALSE(answered());
}

TEST_CASE_FIXTURE(Fixture,
                  "the operator may let a fallback pass over what requests ask of freshness, and nothing else") {
  put({{"Cache-Control", "max-age=60"}});
  const auto answered = [&](StaleRule rule, std::string_view name, std::string_view value) {
    request = get("/a", {{name, value}});
    return select(context, call, rule, kStart + 70s) != nullptr;
  };
  for (const auto wish : {config::RequestDirectives::honour, config::RequestDirectives::ignore}) {
    upstream.cache.request_directives = wish;
    const bool ignored = wish == config::RequestDirectives::ignore;
    for (const char* value : {"no-cache", "max-age=1", "min-fresh=1"})
      CHECK(answered(kTenMinutes, "Cache-Control", value) == ignored);
    CHECK(answered(kTenMinutes, "Pragma", "no-cache") == ignored);
    CHECK_FALSE(answered(kError, "Cache-Control", "no-cache"));
    CHECK_FALSE(answered(kTenMinutes, "Cache-Control", "max-stale=5"));
  }
}
