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
