// SPDX-License-Identifier: Apache-2.0
#include "proxy/admin/target.hpp"

#include <doctest/doctest.h>

using namespace fusewire::proxy::admin;
using Segments = std::vector<std::string>;

TEST_CASE("a path is taken apart at its slashes and decoded after that") {
  CHECK(parse_target("/")->segments == Segments{""});
  CHECK(parse_target("/a/b")->segments == Segments{"a", "b"});
  CHECK(parse_target("/a/")->segments == Segments{"a", ""});
  CHECK(parse_target("//a")->segments == Segments{"", "a"});
  CHECK(parse_target("/a%2Fb/%41")->segments == Segments{"a/b", "A"});
}

TEST_CASE("a query is a list of names and values") {
  const auto target = parse_target("/x?for=10m&a=b%20c&empty&e=f=g");
  REQUIRE(target.has_value());
  CHECK(*target->find("for") == "10m");
  CHECK(*target->find("a") == "b c");
  CHECK(target->find("empty")->empty());
  CHECK(*target->find("e") == "f=g");
  CHECK(target->find("b") == nullptr);
  CHECK(parse_target("/x?")->query.empty());
}

TEST_CASE("dot segments and empty ones are kept") {
  CHECK(parse_target("/./a")->segments == Segments{".", "a"});
  CHECK(parse_target("/../a")->segments == Segments{"..", "a"});
  CHECK(parse_target("/%2E/")->segments == Segments{".", ""});
  CHECK(parse_target("//")->segments == Segments{"", ""});
  CHECK(parse_target("/a:b@c")->segments == Segments{"a:b@c"});
}

TEST_CASE("characters that RFC 3986 allows only as escapes are taken as they are") {
  CHECK(parse_target("/{a}|\"b\"")->segments == Segments{"{a}|\"b\""});
  CHECK(parse_target("/\xc3\xa4#")->segments == Segments{"\xc3\xa4#"});
  CHECK(*parse_target("/x?a[]=<1>")->find("a[]") == "<1>");
}

TEST_CASE("a plus is a plus, and an ampersand may end the query") {
  CHECK(*parse_target("/x?a=1+1")->find("a") == "1+1");
  CHECK(*parse_target("/x?a=/b?c")->find("a") == "/b?c");
  CHECK(parse_target("/x?a=1&")->query.size() == 1);
}

TEST_CASE("absolute-form is accepted and names the authority") {
  const auto target = parse_target("http://127.0.0.1:9901/admin/health?x=1");
  REQUIRE(target.has_value());
  CHECK(target->authority == "127.0.0.1:9901");
  CHECK(target->segments == Segments{"admin", "health"});
  CHECK(parse_target("http://h")->segments == Segments{""});
  CHECK(parse_target("/admin")->authority.empty());
}

TEST_CASE("what is malformed is refused, not guessed") {
  for (const char* bad : {"",           "*",       "admin",     "/%",    "/%4",      "/%4g", "/%zz",   "/%00",
                          "/%0a",       "/%7f",    "/a?x=%1",   "/a?=x", "/a?x&&y",  "/a?&", "/a?x&&", "/a?x=%0a",
                          "http://h?x", "http://", "http:///x", "h:80",  "ftp://h/", "/a\tb"})
    CHECK_MESSAGE(!parse_target(bad).has_value(), bad);
}
