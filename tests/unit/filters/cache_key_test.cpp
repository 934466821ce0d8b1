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

TEST_CASE("the key is scheme, authority, path and query, byte for byte as they were said") {
  CHECK(key("shop.test", "/a?b=1") == "http://shop.test/a?b=1");
  CHECK(key("shop.test", "/a", "https") == "https://shop.test/a");
  CHECK(key("shop.test:8080", "/a") == "http://shop.test:8080/a");
  CHECK(key("Shop.TEST:80", "/A?") == "http://Shop.TEST:80/A?");
  CHECK(key("shop.test", "/%61") == "http://shop.test/%61");
  CHECK(key("", "/a") == "http:///a");
}

TEST_CASE("what an absolute form leaves of its target has the path and query that go upstream") {
  CHECK(key("shop.test", "") == key("shop.test", "/"));
  CHECK(key("shop.test", "?b") == key("shop.test", "/?b"));
  CHECK(key("shop.test", "?x=http://evil/pay") == "http://shop.test/?x=http://evil/pay");
}

TEST_CASE("a key has a usual spelling where its authority has a capital letter or the scheme's port") {
  const auto usual = [](const std::string& text) { return usual_key(text); };
  CHECK(usual("http://Shop.TEST:80/A?B") == "http://shop.test/A?B");
  CHECK(usual("http://shop.test:/a") == "http://shop.test/a");
  CHECK(usual("https://shop.test:443/") == "https://shop.test/");
  for (const char* already : {"http://shop.test/A", "http://shop.test:443/a", "https://shop.test:80/", "http:///A:80"})
    CHECK_FALSE(usual(already));
}

TEST_CASE("a reference of the same origin has a key") {
  const Request request = get("/a");
  CHECK(same_origin_key(request, "/b?c") == "http://shop.test/b?c");
  CHECK(same_origin_key(request, "http://shop.test/b") == "http://shop.test/b");
  CHECK(same_origin_key(request, "HTTP://SHOP.test:80/b#part") == "http://shop.test/b");
  CHECK(same_origin_key(request, "//shop.test/b") == "http://shop.test/b");
  CHECK(same_origin_key(request, "http://shop.test") == "http://shop.test/");
  CHECK(same_origin_key(request, "http://shop.test?b") == "http://shop.test/?b");
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
