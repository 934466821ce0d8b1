// SPDX-License-Identifier: Apache-2.0
#include "filters/cache/range.hpp"

#include <doctest/doctest.h>

#include "tests/unit/filters/stored.hpp"

using namespace fusewire;
using namespace fusewire::cache;
using namespace fusewire::test;
using Kind = ByteRange::Kind;

namespace {

ByteRange asked(FieldPairs fields, FieldPairs stored, std::string_view method = "GET", int status = 200) {
  Request request = get("/a", fields);
  request.method = method;
  return requested_range(request, *entry_with(stored, "0123456789", status), kWall);
}

}  // namespace

TEST_CASE("one byte range is a part") {
  struct Row {
    const char* range;
    std::size_t first, size;
  };
  for (const Row& row :
       {Row{"bytes=0-0", 0, 1}, Row{"bytes=0-9", 0, 10}, Row{"bytes=2-4", 2, 3}, Row{"bytes=5-", 5, 5},
        Row{"bytes=9-99", 9, 1}, Row{"bytes=-3", 7, 3}, Row{"bytes=-10", 0, 10}, Row{"bytes=-99", 0, 10},
        Row{"BYTES= 2-4 ", 2, 3}, Row{"bytes=0-99999999999999999999999", 0, 10}}) {
    CAPTURE(row.range);
    const ByteRange range = parse_range(row.range, 10);
    CHECK(range.kind == Kind::part);
    CHECK(range.first == row.first);
    CHECK(range.size == row.size);
  }
}

TEST_CASE("a range that begins after the end cannot be satisfied") {
  for (const char* range : {"bytes=10-", "bytes=10-20", "bytes=-0", "bytes=99999999999999999999999-"}) {
    CAPTURE(range);
    CHECK(parse_range(range, 10).kind == Kind::unsatisfiable);
  }
  CHECK(parse_range("bytes=0-", 0).kind == Kind::unsatisfiable);
  CHECK(parse_range("bytes=-1", 0).kind == Kind::unsatisfiable);
}

TEST_CASE("several ranges, other units and what is malformed are answered whole") {
  for (const char* range : {"bytes=0-1,3-4", "lines=0-1", "bytes", "bytes=", "bytes=-", "bytes=a-b", "bytes=4-2",
                            "bytes=1", "bytes=+1-2", "bytes=1-2x", "0-1", "", "bytes=--1", "bytes=-1-"}) {
    CAPTURE(range);
    CHECK(parse_range(range, 10).kind == Kind::whole);
  }
}

TEST_CASE("only a GET of a stored 200 has parts") {
  CHECK(asked({{"Range", "bytes=0-1"}}, {}).kind == Kind::part);
  CHECK(asked({}, {}).kind == Kind::whole);
  CHECK(asked({{"Range", "bytes=0-1"}}, {}, "HEAD").kind == Kind::whole);
  CHECK(asked({{"Range", "bytes=0-1"}}, {}, "GET", 404).kind == Kind::whole);
}

TEST_CASE("If-Range wants the strong entity tag exactly") {
  const auto kind = [](std::string_view condition, std::string_view etag) {
    return asked({{"Range", "bytes=0-1"}, {"If-Range", condition}}, {{"ETag", etag}}).kind;
  };
  CHECK(kind("\"1\"", "\"1\"") == Kind::part);
  CHECK(kind("\"2\"", "\"1\"") == Kind::whole);
  CHECK(kind("W/\"1\"", "W/\"1\"") == Kind::whole);
  CHECK(kind("\"1\"", "W/\"1\"") == Kind::whole);
}

TEST_CASE("If-Range wants exactly the Last-Modified, where that is strong") {
  const std::string_view before = "Sun, 06 Nov 1994 08:00:00 GMT";
  const auto kind = [](std::string_view condition, std::string_view modified) {
    return asked({{"Range", "bytes=0-1"}, {"If-Range", condition}}, {{"Date", kDate}, {"Last-Modified", modified}})
        .kind;
  };
  CHECK(kind(before, before) == Kind::part);
  CHECK(kind(kDate, before) == Kind::whole);
  CHECK(kind(kDate, kDate) == Kind::whole);  // as old as the Date: it may change again within the second
  CHECK(kind("garbage", before) == Kind::whole);
  CHECK(asked({{"Range", "bytes=0-1"}, {"If-Range", before}}, {}).kind == Kind::whole);
}
