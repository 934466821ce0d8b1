// SPDX-License-Identifier: Apache-2.0
#include "filters/cache/cache_control.hpp"

#include <doctest/doctest.h>

#include "tests/unit/filters/scene.hpp"

using namespace fusewire;
using namespace fusewire::cache;
using namespace fusewire::test;

namespace {

ResponseDirectives response(std::string_view value) {
  return response_directives(make_fields({{"cache-control", value}}));
}
RequestDirectives request(std::string_view value) {
  return request_directives(make_fields({{"cache-control", value}}));
}

}  // namespace

TEST_CASE("directives are read case-blind, with token and quoted arguments") {
  CHECK(response("No-Store").no_store);
  CHECK(response("public, MAX-AGE=10").max_age == 10s);
  CHECK(response("public, MAX-AGE=10").public_);
  CHECK(response(R"(max-age="10")").max_age == 10s);
  CHECK(response("s-maxage = 7").s_maxage == 7s);
  CHECK(response("must-revalidate").must_revalidate);
  CHECK(response("proxy-revalidate").proxy_revalidate);
  CHECK(response("stale-if-error=600").stale_if_error == 600s);
  CHECK(response("private").private_);
}

TEST_CASE("a directive limited to fields counts for the whole response") {
  CHECK(response(R"(private="x-user, set-cookie")").private_);
  CHECK(response(R"(no-cache="x-user")").no_cache);
}

TEST_CASE("directives of all Cache-Control fields count") {
  const auto directives =
      response_directives(make_fields({{"Cache-Control", "public"}, {"cache-control", "max-age=3"}}));
  CHECK(directives.public_);
  CHECK(directives.max_age == 3s);
}

TEST_CASE("what looks like a directive within quotes is none") {
  const auto directives = response(R"(max-age=5, ext="no-store, private")");
  CHECK_FALSE(directives.no_store);
  CHECK_FALSE(directives.private_);
  CHECK(directives.max_age == 5s);
}

TEST_CASE("an invalid age is no freshness at all") {
  for (const char* value :
       {"max-age", "max-age=", "max-age=-1", "max-age=1.5", "max-age=ten", "max-age=\"", "max-age=1s"}) {
    CAPTURE(value);
    const auto directives = response(value);
    CHECK((directives.malformed || directives.max_age == 0s));
  }
}

TEST_CASE("two ages that differ are no freshness at all, equal ones are one") {
  CHECK(response("max-age=10, max-age=20").max_age == 0s);
  CHECK(response("max-age=10, max-age=10").max_age == 10s);
  CHECK(response("stale-if-error=10, stale-if-error=x").stale_if_error == 0s);
}

TEST_CASE("an age beyond 2^31 is 2^31") {
  CHECK(response("max-age=2147483649").max_age == kMaxDelta);
  CHECK(response("max-age=99999999999999999999999999").max_age == kMaxDelta);
}

TEST_CASE("an open quote makes the field malformed") {
  CHECK(response(R"(max-age=10, x="y)").malformed);
  CHECK_FALSE(response(R"(max-age=10, x="y")").malformed);
}

TEST_CASE("stale is forbidden by must-revalidate, proxy-revalidate, no-cache and s-maxage, by nothing else") {
  for (const char* value : {"must-revalidate", "proxy-revalidate", "no-cache", "s-maxage=10", "s-maxage=x"}) {
    CAPTURE(value);
    CHECK(response(value).forbids_stale());
  }
  for (const char* value : {"max-age=10", "public", "stale-if-error=5", "immutable", "no-transform"}) {
    CAPTURE(value);
    CHECK_FALSE(response(value).forbids_stale());
  }
}

TEST_CASE("a request's directives are read") {
  const auto directives = request("no-store, no-cache, only-if-cached, max-age=1, max-stale=2, min-fresh=3");
  CHECK(directives.no_store);
  CHECK(directives.no_cache);
  CHECK(directives.only_if_cached);
  CHECK(directives.max_age == 1s);
  CHECK(directives.max_stale == 2s);
  CHECK(directives.min_fresh == 3s);
  CHECK_FALSE(request("x").no_cache);
}

TEST_CASE("max-stale without a value accepts any staleness, with an invalid one none") {
  CHECK(request("max-stale").max_stale == kMaxDelta);
  CHECK(request("max-stale=x").max_stale == 0s);
  CHECK(request("max-stale=5, max-stale").max_stale == 0s);
}

TEST_CASE("Pragma: no-cache counts where there is no Cache-Control") {
  CHECK(request_directives(make_fields({{"Pragma", "no-cache"}})).no_cache);
  CHECK_FALSE(request_directives(make_fields({{"Pragma", "no-cache"}, {"Cache-Control", "max-stale"}})).no_cache);
}
