// SPDX-License-Identifier: Apache-2.0
#include "filters/cache/storable.hpp"

#include <doctest/doctest.h>

#include "tests/unit/filters/scene.hpp"

using namespace fusewire;
using namespace fusewire::cache;
using namespace fusewire::test;

namespace {

constexpr Received kAtOnce{kStart, kStart, kWall};

Refusal refusal(const Request& request, const Response& response, config::Cache settings = {}) {
  return storability(request, response, settings, kAtOnce).refusal;
}

const config::Cache kNormal{.serve = config::Serve::normal};

Refusal for_control(std::string_view control) { return refusal(get(), ok({{"Cache-Control", control}})); }

}  // namespace

TEST_CASE("a GET's complete 200 with explicit freshness is stored, with its freshness") {
  const auto verdict = storability(get(), ok(), {}, kAtOnce);
  CHECK(verdict);
  CHECK(verdict.freshness.lifetime == 60s);
}

TEST_CASE("heuristic freshness is enough") {
  CHECK(refusal(get(), ok({{"Last-Modified", "Sat, 05 Nov 1994 08:49:37 GMT"}})) == Refusal::none);
}

TEST_CASE("without any freshness nothing is stored, public or with a validator") {
  CHECK(refusal(get(), ok({})) == Refusal::no_freshness);
  CHECK(refusal(get(), ok({{"ETag", "\"1\""}})) == Refusal::no_freshness);
  CHECK(for_control("public") == Refusal::no_freshness);
}

TEST_CASE("no-store, private and no-cache are never stored, whatever else is said") {
  CHECK(for_control("no-store, max-age=60") == Refusal::no_store);
  CHECK(for_control("private, max-age=60") == Refusal::private_);
  CHECK(for_control(R"(private="x-user", max-age=60)") == Refusal::private_);
  CHECK(for_control("private, s-maxage=60") == Refusal::private_);
  CHECK(for_control("no-cache, max-age=60") == Refusal::no_cache);
  CHECK(for_control(R"(no-cache="x-user", max-age=60)") == Refusal::no_cache);
}

TEST_CASE("must-understand lifts no-store from a status that is understood, and forbids any other") {
  CHECK(for_control("must-understand, max-age=60") == Refusal::none);
  CHECK(for_control("no-store, must-understand, max-age=60") == Refusal::none);
  CHECK(for_control("private, must-understand, max-age=60") == Refusal::private_);
  Response unknown = ok({{"Cache-Control", "must-understand, max-age=60"}});
  unknown.status = 599;
  CHECK(refusal(get(), unknown, kNormal) == Refusal::status);
  unknown.fields = make_fields({{"Cache-Control", "no-store, must-understand, max-age=60"}});
  CHECK(refusal(get(), unknown, kNormal) == Refusal::no_store);
}

TEST_CASE("a cache that serves normally stores any final status with explicit freshness, but for one request's own") {
  for (int status : {200, 201, 299, 403, 404, 405, 414, 499, 500, 503, 599}) {
    CAPTURE(status);
    Response response = ok();
    response.status = status;
    CHECK(refusal(get(), response, kNormal) == Refusal::none);
  }
  for (int status : {103, 206, 304, 400, 401, 406, 407, 408, 411, 412, 413, 415,
                     416, 417, 421, 422, 424, 425, 426, 428, 429, 431, 511}) {
    CAPTURE(status);
    Response response = ok();
    response.status = status;
    CHECK(refusal(get(), response, kNormal) == Refusal::status);
  }
  Response heuristic = ok({{"Last-Modified", "Sat, 05 Nov 1994 08:49:37 GMT"}});
  heuristic.status = 503;
  CHECK(refusal(get(), heuristic, kNormal) == Refusal::no_freshness);
}

TEST_CASE("a cache that serves normally stores what it can validate, however stale") {
  const auto with = [](FieldPairs fields) { return storability(get(), ok(fields), kNormal, kAtOnce); };
  const auto no_cache = with({{"Cache-Control", "no-cache, max-age=60"}, {"ETag", "\"1\""}});
  REQUIRE(no_cache);
  CHECK_FALSE(no_cache.freshness.fresh(kStart));
  CHECK(no_cache.freshness.stale_forbidden);
  CHECK(with({{"Cache-Control", "no-cache, max-age=60"}}).refusal == Refusal::no_cache);
  const auto silent = with({{"ETag", "\"1\""}});
  REQUIRE(silent);
  CHECK_FALSE(silent.freshness.fresh(kStart));
  CHECK_FALSE(silent.freshness.shareable());
  CHECK(with({{"X-A", "1"}}).refusal == Refusal::no_freshness);
}

TEST_CASE(
    "where a cache step has a max_stale, what says nothing of its freshness is stored, stale from the beginning") {
  const auto judged = [](const Request& request, const Response& response, config::Cache settings = {}) {
    return storability(request, response, settings, kAtOnce, {.stale_by_operator = true});
  };
  const Response silent = ok({{"Content-Type", "application/json"}});
  for (const auto serve : {config::Serve::on_error, config::Serve::normal}) {
    config::Cache settings;
    settings.serve = serve;
    const auto verdict = judged(get(), silent, settings);
    REQUIRE(verdict);
    CHECK_FALSE(verdict.freshness.is_explicit);
    CHECK_FALSE(verdict.freshness.fresh(kStart));
    CHECK_FALSE(verdict.freshness.stale_forbidden);
    CHECK(verdict.freshness.staleness(kStart) == milliseconds{0});
  }
  CHECK(refusal(get(), silent) == Refusal::no_freshness);
  CHECK(judged(get("/a", {{"Cookie", "a=b"}}), silent).refusal == Refusal::cookie);
  CHECK(judged(get("/a", {{"Authorization", "x"}}), silent).refusal == Refusal::authorization);
  CHECK(judged(get("/a", {{"Cache-Control", "no-store"}}), silent).refusal == Refusal::request_no_store);
  CHECK(judged(get(), ok({{"Cache-Control", "no-store"}})).refusal == Refusal::no_store);
  CHECK(judged(get(), ok({{"Cache-Control", "private"}})).refusal == Refusal::private_);
  CHECK(judged(get(), ok({{"Set-Cookie", "a=b"}})).refusal == Refusal::set_cookie);
}

TEST_CASE("with max_stale only what is no error is stored without freshness; a validator is enough as ever") {
  const auto judged = [](int status, FieldPairs fields, config::Cache settings = kNormal) {
    Response response = ok(fields);
    response.status = status;
    return storability(get(), response, settings, kAtOnce, {.stale_by_operator = true}).refusal;
  };
  for (const int status : {200, 203, 204, 300, 301, 308}) CHECK(judged(status, {}) == Refusal::none);
  for (const int status : {404, 405, 410, 414, 501}) {
    CAPTURE(status);
    CHECK(judged(status, {}) == Refusal::no_freshness);
    CHECK(judged(status, {}, {}) == Refusal::no_freshness);
    CHECK(judged(status, {{"Cache-Control", "public"}}) == Refusal::no_freshness);
    CHECK(judged(status, {{"ETag", "\"1\""}}) == Refusal::none);
    CHECK(judged(status, {{"Cache-Control", "max-age=60"}}) == Refusal::none);
  }
  for (const int status : {302, 403, 500, 503}) CHECK(judged(status, {}) != Refusal::none);
}

TEST_CASE("a Cache-Control that cannot be read is not stored") {
  CHECK(for_control(R"(max-age=60, x="no-store)") == Refusal::malformed);
}

TEST_CASE("the client's no-store is honoured") {
  CHECK(refusal(get("/a", {{"Cache-Control", "no-store"}}), ok()) == Refusal::request_no_store);
  CHECK(refusal(get("/a", {{"Cache-Control", "no-cache"}}), ok()) == Refusal::none);
}

TEST_CASE("only GET without a body is stored") {
  for (const char* method : {"HEAD", "POST", "PUT", "DELETE", "OPTIONS", "get", "PROPFIND"}) {
    CAPTURE(method);
    Request request = get();
    request.method = method;
    CHECK(refusal(request, ok()) == Refusal::method);
  }
  Request request = get();
  request.body = BodyKind::chunked;
  CHECK(refusal(request, ok()) == Refusal::method);
  request.body = BodyKind::length;
  request.content_length = 1;
  CHECK(refusal(request, ok()) == Refusal::method);
  request.content_length = 0;
  CHECK(refusal(request, ok()) == Refusal::none);
}

TEST_CASE("an answer to Authorization needs public, s-maxage or must-revalidate") {
  const Request request = get("/a", {{"Authorization", "Basic eDp5"}});
  const auto with = [&](std::string_view control) { return refusal(request, ok({{"Cache-Control", control}})); };
  CHECK(with("max-age=60") == Refusal::authorization);
  CHECK(with("max-age=60, proxy-revalidate") == Refusal::authorization);
  CHECK(with("max-age=60, public") == Refusal::none);
  CHECK(with("s-maxage=60") == Refusal::none);
  CHECK(with("max-age=60, must-revalidate") == Refusal::none);
}

TEST_CASE("a response to a request with Cookie needs explicit freshness") {
  const Request request = get("/a", {{"Cookie", "session=1"}});
  CHECK(refusal(request, ok({{"Last-Modified", "Sat, 05 Nov 1994 08:49:37 GMT"}})) == Refusal::cookie);
  CHECK(refusal(request, ok()) == Refusal::none);
  CHECK(refusal(request, ok({{"Expires", "Sun, 06 Nov 1994 08:50:37 GMT"}})) == Refusal::none);
}

TEST_CASE("Set-Cookie is not stored unless the operator says so") {
  const Response response = ok({{"Cache-Control", "max-age=60"}, {"Set-Cookie", "a=b"}});
  CHECK(refusal(get(), response) == Refusal::set_cookie);
  config::Cache settings;
  settings.store_set_cookie = true;
  CHECK(refusal(get(), response, settings) == Refusal::none);
}

TEST_CASE("Vary: * is never stored, alone or in a list") {
  for (const char* vary : {"*", "accept, *", " * "}) {
    CAPTURE(vary);
    CHECK(refusal(get(), ok({{"Cache-Control", "max-age=60"}, {"Vary", vary}})) == Refusal::vary_any);
  }
  CHECK(refusal(get(), ok({{"Cache-Control", "max-age=60"}, {"Vary", "accept"}})) == Refusal::none);
}

TEST_CASE("statuses: heuristic ones, and redirections with explicit freshness; never 206, 304 or a failure") {
  for (int status : {200, 203, 204, 300, 301, 302, 303, 307, 308, 404, 405, 410, 414, 501}) {
    CAPTURE(status);
    Response response = ok();
    response.status = status;
    CHECK(refusal(get(), response) == Refusal::none);
  }
  for (int status : {100, 101, 103, 201, 206, 304, 400, 401, 403, 416, 429, 500, 502, 503, 504, 599}) {
    CAPTURE(status);
    Response response = ok();
    response.status = status;
    CHECK(refusal(get(), response) == Refusal::status);
  }
  Response redirect = ok({{"Last-Modified", "Sat, 05 Nov 1994 08:49:37 GMT"}});
  redirect.status = 302;
  CHECK(refusal(get(), redirect) == Refusal::no_freshness);
}

TEST_CASE("a body that only the connection's close ends is not stored, a chunked one is") {
  Response response = ok();
  response.body = BodyKind::until_close;
  CHECK(refusal(get(), response) == Refusal::close_delimited);
  response.body = BodyKind::chunked;
  CHECK(refusal(get(), response) == Refusal::none);
}

TEST_CASE("a response chosen by a field that the proxy writes is like Vary: *: the client's own tells nothing of it") {
  for (const char* name :
       {"Forwarded", "X-Forwarded-For", "x-forwarded-proto", "X-Forwarded-Host", "Via", "X-Request-Id", "Connection",
        "Upgrade", "If-None-Match", "If-Modified-Since", "accept, x-forwarded-for"}) {
    CAPTURE(name);
    CHECK(refusal(get(), ok({{"Cache-Control", "max-age=60"}, {"Vary", name}})) == Refusal::vary_any);
  }
  CHECK(refusal(get(), ok({{"Cache-Control", "max-age=60"}, {"Vary", "host, accept"}})) == Refusal::none);
}

TEST_CASE("a response chosen by more than 2 KiB of the request is not stored") {
  const Response varied = ok({{"Cache-Control", "max-age=60"}, {"Vary", "Accept-Language, X-A"}});
  const std::string some(900, 'x');
  CHECK(refusal(get("/a", {{"Accept-Language", some}, {"X-A", some}}), varied) == Refusal::none);
  CHECK(refusal(get("/a", {{"Accept-Language", some}, {"X-A", some}, {"x-a", some}}), varied) != Refusal::none);
  CHECK(refusal(get("/a", {{"X-B", some + some + some}}), varied) == Refusal::none);
}
