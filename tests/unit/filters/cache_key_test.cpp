// SPDX-License-Identifier: Apache-2.0
#include "filters/cache/key.hpp"

#include <doctest/doctest.h>

#include "tests/unit/filters/scene.hpp"

using namespace fusewire;
using namespace fusewire::cache;
using namespace fusewire::test;

namespace {

std::string key(std::string_view authority, std::string_view target, std::string_view scheme = "http") {
  Request request = get(target);
  request.authority = authority;
  request.scheme = scheme;
  return uri_key(request);
}

}  // namespace

TEST_CASE("the key is scheme, authority and target") {
  CHECK(key("shop.test", "/a?b=1") == "http://shop.test/a?b=1");
  CHECK(key("shop.test", "/a", "https") == "https://shop.test/a");
  CHECK(key("shop.test:8080", "/a") == "http://shop.test:8080/a");
}

TEST_CASE("authority is normalised, the target's bytes are not") {
  CHECK(key("Shop.TEST:80", "/a") == key("shop.test", "/a"));
  CHECK(key("shop.test:", "/a") == key("shop.test", "/a"));
  CHECK(key("shop.test:443", "/a", "https") == key("shop.test", "/a", "https"));
  CHECK(key("shop.test:443", "/a") != key("shop.test", "/a"));
  CHECK(key("shop.test", "/A") != key("shop.test", "/a"));
  CHECK(key("shop.test", "/a?") != key("shop.test", "/a"));
  CHECK(key("shop.test", "/%61") != key("shop.test", "/a"));
}

TEST_CASE("an absolute-form target has the key of its origin form") {
  CHECK(key("shop.test", "http://shop.test/a?b") == key("shop.test", "/a?b"));
  CHECK(key("shop.test", "http://shop.test") == key("shop.test", "/"));
  CHECK(key("shop.test", "http://shop.test?b") == key("shop.test", "/?b"));
}

TEST_CASE("other targets keep their form") {
  CHECK(key("shop.test", "*") == "http://shop.test*");
  CHECK(key("shop.test", "odd") == "http://shop.test/odd");
}

TEST_CASE("a reference of the same origin has a key") {
  const Request request = get("/a");
  CHECK(same_origin_key(request, "/b?c") == "http://shop.test/b?c");
  CHECK(same_origin_key(request, "http://shop.test/b") == "http://shop.test/b");
  CHECK(same_origin_key(request, "HTTP://SHOP.test:80/b#part") == "http://shop.test/b");
  CHECK(same_origin_key(request, "//shop.test/b") == "http://shop.test/b");
  CHECK(same_origin_key(request, "http://shop.test") == "http://shop.test/");
  CHECK(same_origin_key(request, "/b?u=http://other.test/") == "http://shop.test/b?u=http://other.test/");
}

TEST_CASE("a reference of another origin, or a relative one, has none") {
  const Request request = get("/a");
  for (const char* reference :
       {"http://other.test/b", "https://shop.test/b", "//other.test/b", "http://shop.test:8080/b", "b", "../b", "",
        "#part", "mailto:x@shop.test", "?u=http://shop.test/"}) {
    CAPTURE(reference);
    CHECK_FALSE(same_origin_key(request, reference));
  }
}

TEST_CASE("a variant is selected by the request fields that Vary names") {
  const Fields response = make_fields({{"Vary", "Accept-Encoding, X-Tenant"}});
  const auto fields = selecting_fields(response, make_fields({{"accept-encoding", "gzip"}, {"x-tenant", "7"}}));
  CHECK(selects(fields, make_fields({{"X-TENANT", "7"}, {"Accept-Encoding", "gzip"}, {"Other", "x"}})));
  CHECK_FALSE(selects(fields, make_fields({{"Accept-Encoding", "gzip"}, {"X-Tenant", "8"}})));
  CHECK_FALSE(selects(fields, make_fields({{"Accept-Encoding", "gzip"}})));
}

TEST_CASE("an absent field is not an empty one") {
  const Fields response = make_fields({{"Vary", "x-tenant"}});
  const auto absent = selecting_fields(response, make_fields({}));
  CHECK(selects(absent, make_fields({})));
  CHECK_FALSE(selects(absent, make_fields({{"X-Tenant", ""}})));
}

TEST_CASE("a field on several lines is the list that they make") {
  const Fields response = make_fields({{"Vary", "accept"}});
  const auto fields = selecting_fields(response, make_fields({{"Accept", "a"}, {"Accept", "b"}}));
  CHECK(selects(fields, make_fields({{"Accept", "a, b"}})));
  CHECK_FALSE(selects(fields, make_fields({{"Accept", "b, a"}})));
}

TEST_CASE("without Vary every request selects the response") {
  CHECK(selects(selecting_fields(make_fields({}), make_fields({{"Accept", "a"}})), make_fields({{"Accept", "b"}})));
}

TEST_CASE("lists of languages and codings are compared without white space and case, other fields as they are") {
  const auto same = [](std::string_view name, std::string_view a, std::string_view b) {
    const auto fields = selecting_fields(make_fields({{"Vary", name}}), make_fields({{name, a}}));
    return selects(fields, make_fields({{name, b}}));
  };
  CHECK(same("Accept-Encoding", "gzip, br;q=1", "GZIP ,BR; q=1"));
  CHECK(same("accept-language", "en,de", "en,\tDE"));
  CHECK(same("Accept", "text/html;level=1, */*", "text/html; level=1,*/*"));
  CHECK_FALSE(same("Accept", "text/html", "TEXT/HTML"));
  CHECK_FALSE(same("Accept", "a;b=\"x , y\"", "a;b=\"x,y\""));
  CHECK_FALSE(same("Accept-Language", "en, de", "de, en"));
  CHECK_FALSE(same("Accept-Language", "e n", "en"));
  CHECK_FALSE(same("X-List", "1,2", "1, 2"));
}
