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

TEST_CASE("absolute-form is accepted and names the authority") {
  const auto target = parse_target("http://127.0.0.1:9901/admin/health?x=1");
  REQUIRE(target.has_value());
  CHECK(target->authority == "127.0.0.1:9901");
  CHECK(target->segments == Segments{"admin", "health"});
  CHECK(parse_target("http://h")->segments == Segments{""});
  CHECK(parse_target("/admin")->authority.empty());
}

TEST_CASE("what is malformed is refused, not guessed") {
  for (const char* bad : {"", "*", "admin", "/%", "/%4", "/%4g", "/%zz", "/%00", "/%0a", "/%7f", "/a?x=%1", "/a?=x",
                          "/a?x&&y", "http://", "http:///x", "h:80", "ftp://h/", "/a\tb"})
    CHECK_MESSAGE(!parse_target(bad).has_value(), bad);
}
