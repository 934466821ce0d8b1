// SPDX-License-Identifier: Apache-2.0
#include "filters/cache/conditional.hpp"

#include <doctest/doctest.h>

#include "tests/unit/filters/stored.hpp"

using namespace fusewire;
using namespace fusewire::cache;
using namespace fusewire::test;

namespace {

constexpr std::string_view kBefore = "Sun, 06 Nov 1994 08:00:00 GMT";
constexpr std::string_view kAfter = "Sun, 06 Nov 1994 09:00:00 GMT";

bool unchanged(FieldPairs asked, FieldPairs stored, int status = 200) {
  return not_modified(get("/a", asked), *entry_with(stored, "hello", status), kWall);
}

}  // namespace

TEST_CASE("If-None-Match compares weakly, over the whole list") {
  CHECK(none_match_lists("\"1\"", "\"1\""));
  CHECK(none_match_lists("W/\"1\"", "\"1\""));
  CHECK(none_match_lists("\"1\"", "W/\"1\""));
  CHECK(none_match_lists("\"0\", \"1\"", "\"1\""));
  CHECK(none_match_lists("\"0\",W/\"1\" , \"2\"", "\"1\""));
  CHECK(none_match_lists("*", "\"1\""));
  CHECK_FALSE(none_match_lists("\"0\"", "\"1\""));
  CHECK_FALSE(none_match_lists("1", "\"1\""));
  CHECK_FALSE(none_match_lists("\"1", "\"1\""));
  CHECK_FALSE(none_match_lists("", "\"1\""));
  CHECK_FALSE(none_match_lists("\"1\"", ""));
}

TEST_CASE("a comma and a backslash within an entity tag are part of it") {
  CHECK(none_match_lists(R"("a,b", "c")", R"("a,b")"));
  CHECK(none_match_lists(R"("a\", "c")", R"("a\")"));
  CHECK(none_match_lists(R"("a\", "c")", R"("c")"));
}

TEST_CASE("a matching If-None-Match is 304, on any of its lines") {
  CHECK(unchanged({{"If-None-Match", "\"1\""}}, {{"ETag", "\"1\""}}));
  CHECK(unchanged({{"If-None-Match", "\"0\""}, {"If-None-Match", "\"1\""}}, {{"ETag", "\"1\""}}));
  CHECK_FALSE(unchanged({{"If-None-Match", "\"2\""}}, {{"ETag", "\"1\""}}));
  CHECK_FALSE(unchanged({{"If-None-Match", "\"1\""}}, {}));
}

TEST_CASE("with If-None-Match, If-Modified-Since is not looked at") {
  CHECK_FALSE(unchanged({{"If-None-Match", "\"2\""}, {"If-Modified-Since", kAfter}},
                        {{"ETag", "\"1\""}, {"Last-Modified", kBefore}}));
}

TEST_CASE("If-Modified-Since is held against Last-Modified, or the Date") {
  CHECK(unchanged({{"If-Modified-Since", kDate}}, {{"Last-Modified", kBefore}}));
  CHECK(unchanged({{"If-Modified-Since", kBefore}}, {{"Last-Modified", kBefore}}));
  CHECK_FALSE(unchanged({{"If-Modified-Since", kBefore}}, {{"Last-Modified", kDate}}));
  CHECK(unchanged({{"If-Modified-Since", kDate}}, {{"Date", kDate}}));
  CHECK_FALSE(unchanged({{"If-Modified-Since", kBefore}}, {{"Date", kDate}}));
  CHECK_FALSE(unchanged({{"If-Modified-Since", "yesterday"}}, {{"Last-Modified", kBefore}}));
}

TEST_CASE("conditions are for what would be a 200, and need to be asked") {
  CHECK_FALSE(unchanged({{"If-None-Match", "*"}}, {{"ETag", "\"1\""}}, 404));
  CHECK_FALSE(unchanged({}, {{"ETag", "\"1\""}}));
}

TEST_CASE("If-Match and If-Unmodified-Since are for the origin alone") {
  CHECK(only_origin_can_judge(get("/a", {{"If-Match", "\"1\""}})));
  CHECK(only_origin_can_judge(get("/a", {{"If-Unmodified-Since", kDate}})));
  CHECK_FALSE(only_origin_can_judge(get("/a", {{"If-None-Match", "\"1\""}})));
}

TEST_CASE("a question about an entry carries all validators that it has") {
  CHECK(conditions_for(*entry_with({{"ETag", "W/\"1\""}, {"Last-Modified", kDate}})) ==
        "If-None-Match: W/\"1\"\r\nIf-Modified-Since: Sun, 06 Nov 1994 08:49:37 GMT\r\n");
  CHECK(conditions_for(*entry_with({{"ETag", "\"1\""}})) == "If-None-Match: \"1\"\r\n");
  CHECK(conditions_for(*entry_with({{"Last-Modified", "yesterday"}})).empty());
  CHECK(conditions_for(*entry_with({})).empty());
}

TEST_CASE("what is no success is not asked about: a server looks at no condition then") {
  CHECK(conditions_for(*entry_with({{"ETag", "\"1\""}}, "gone", 404)).empty());
}
