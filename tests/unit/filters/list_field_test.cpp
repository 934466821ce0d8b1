// SPDX-License-Identifier: Apache-2.0
#include "filters/list_field.hpp"

#include <doctest/doctest.h>

#include <string>
#include <vector>

#include "tests/unit/filters/scene.hpp"

using namespace fusewire;
using Members = std::vector<std::string>;

namespace {

Members members(std::string_view value, char separator = ',') {
  Members list;
  for_each_member(value, separator, [&](std::string_view member) { list.emplace_back(member); });
  return list;
}

bool well_formed(std::string_view value) {
  return for_each_member(value, ',', [](std::string_view) {});
}

}  // namespace

TEST_CASE("members are apart by commas, white space and empty ones gone") {
  CHECK(members("a, b ,\tc") == Members{"a", "b", "c"});
  CHECK(members(" , a,, ,b,") == Members{"a", "b"});
  CHECK(members("").empty());
  CHECK(members(" , ").empty());
}

TEST_CASE("a comma within quotes separates nothing, escaped quotes included") {
  CHECK(members(R"(a="x,y", b)") == Members{R"(a="x,y")", "b"});
  CHECK(members(R"(a="x\",y", b)") == Members{R"(a="x\",y")", "b"});
  CHECK(members(R"(p; d="e;f"; g)", ';') == Members{"p", R"(d="e;f")", "g"});
}

TEST_CASE("a quoted string that never ends is malformed") {
  CHECK(well_formed(R"(a="x", b)"));
  CHECK_FALSE(well_formed(R"(a, b="x)"));
  CHECK_FALSE(well_formed(R"(a="x\")"));
  CHECK(members(R"(a, b="x)") == Members{"a"});
}

TEST_CASE("all fields of a name are one list") {
  const Fields fields = test::make_fields({{"Vary", "a"}, {"x", "no"}, {"vary", "b, c"}});
  Members list;
  CHECK(for_each_member(fields, "VARY", [&](std::string_view member) { list.emplace_back(member); }));
  CHECK(list == Members{"a", "b", "c"});
}
