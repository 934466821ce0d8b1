// SPDX-License-Identifier: Apache-2.0
#include "filters/cache/entry.hpp"

#include <doctest/doctest.h>

#include "tests/unit/filters/stored.hpp"

using namespace fusewire;
using namespace fusewire::cache;
using namespace fusewire::test;

namespace {

std::string text(const Fields& fields) {
  std::string lines;
  for (const Field& field : fields) lines.append(field.name).append(": ").append(field.value).append("\n");
  return lines;
}

}  // namespace

TEST_CASE("end-to-end fields are stored in order, with their bytes") {
  std::string volatile_value = "first";
  const EntryPtr entry = entry_with({{"Date", kDate}, {"X-One", volatile_value}, {"x-two", "2"}, {"X-One", "again"}});
  volatile_value = "xxxxx";
  CHECK(text(entry->fields) == "Date: " + std::string(kDate) + "\nX-One: first\nx-two: 2\nX-One: again\n");
}

TEST_CASE("hop-by-hop fields and those named in Connection are never stored") {
  const EntryPtr entry = entry_with({{"Date", kDate},
                                     {"Connection", "x-hop, close"},
                                     {"X-Hop", "1"},
                                     {"Keep-Alive", "timeout=5"},
                                     {"Proxy-Connection", "close"},
                                     {"Proxy-Authenticate", "Basic"},
                                     {"Proxy-Authentication-Info", "x"},
                                     {"Transfer-Encoding", "chunked"},
                                     {"TE", "trailers"},
                                     {"Trailer", "x-end"},
                                     {"Upgrade", "h2c"},
                                     {"X-Kept", "1"}});
  CHECK(text(entry->fields) == "Date: " + std::string(kDate) + "\nX-Kept: 1\n");
}

TEST_CASE("Age, Content-Length and the request's own id are made anew, so they are not stored") {
  const EntryPtr entry = entry_with({{"Date", kDate}, {"Age", "7"}, {"Content-Length", "5"}, {"X-Request-Id", "1"}});
  CHECK(text(entry->fields) == "Date: " + std::string(kDate) + "\n");
}

TEST_CASE("a response without a Date that can be read gets the time of its receipt, once") {
  CHECK(entry_with({})->fields.find("date") == kDate);
  CHECK(text(entry_with({{"Date", "garbage"}})->fields) == "Date: " + std::string(kDate) + "\n");
  const EntryPtr twice = entry_with({{"Date", "Sun, 06 Nov 1994 08:00:00 GMT"}, {"Date", kDate}});
  CHECK(text(twice->fields) == "Date: Sun, 06 Nov 1994 08:00:00 GMT\n");
}

TEST_CASE("validators and dates are read once") {
  const EntryPtr entry = entry_with({{"ETag", "W/\"1\""}, {"Last-Modified", kDate}});
  CHECK(entry->etag == "W/\"1\"");
  CHECK(entry->last_modified == kWall);
  CHECK(entry->freshness.date == kWall);
  CHECK_FALSE(entry_with({{"Last-Modified", "yesterday"}})->last_modified);
}

TEST_CASE("an entry costs at least its bytes, fields and key") {
  const EntryPtr small = entry_with({}, "x");
  const EntryPtr large = entry_with({}, std::string(10000, 'x'));
  CHECK(large->cost >= 10000);
  CHECK(large->cost - small->cost >= 9900);
  CHECK(entry_with({{"X", std::string(500, 'y')}})->cost >= small->cost + 500);
}

TEST_CASE("only a whole, strong entity tag is strong") {
  CHECK(strong_etag(make_fields({{"ETag", "\"a\""}})) == "\"a\"");
  for (const char* etag : {"W/\"a\"", "a", "\"", "\"a", "a\"", ""}) {
    CAPTURE(etag);
    CHECK(strong_etag(make_fields({{"ETag", etag}})).empty());
  }
  CHECK(strong_etag(make_fields({})).empty());
}

TEST_CASE("an update replaces fields but those that describe the bytes, and takes the new Date and Age") {
  const EntryPtr entry = entry_with({{"Date", kDate},
                                     {"ETag", "\"1\""},
                                     {"Content-Type", "text/plain"},
                                     {"Content-Encoding", "gzip"},
                                     {"X-Old", "stays"},
                                     {"X-New", "old"},
                                     {"X-New", "older"}});
  Response fresh = ok({{"Date", "Sun, 06 Nov 1994 09:00:00 GMT"},
                       {"Age", "3"},
                       {"Content-Type", "text/html"},
                       {"Content-Length", "0"},
                       {"Connection", "x-hop"},
                       {"X-Hop", "1"},
                       {"X-New", "new"}});
  fresh.status = 304;
  const Response merged = updated(*entry, fresh);
  CHECK(merged.status == 200);
  CHECK(merged.content_length == 5);
  CHECK(text(merged.fields) ==
        "ETag: \"1\"\nContent-Type: text/plain\nContent-Encoding: gzip\nX-Old: stays\n"
        "Date: Sun, 06 Nov 1994 09:00:00 GMT\nAge: 3\nX-New: new\n");
}

TEST_CASE("an update without a Date does not keep the old one") {
  const EntryPtr entry = entry_with({{"Date", kDate}});
  CHECK_FALSE(updated(*entry, ok({})).fields.find("date"));
}

TEST_CASE("a 304 speaks of what has its validators") {
  const auto speaks = [](FieldPairs stored, FieldPairs sent) {
    Response fresh = ok(sent);
    fresh.status = 304;
    return agreement_of_304(*entry_with(stored), fresh, kWall) == Agreement::same;
  };
  const std::string_view other = "Sun, 06 Nov 1994 09:00:00 GMT";
  CHECK(speaks({{"ETag", "\"1\""}}, {{"ETag", "\"1\""}}));
  CHECK(speaks({{"ETag", "W/\"1\""}}, {{"ETag", "W/\"1\""}}));
  CHECK_FALSE(speaks({{"ETag", "\"1\""}}, {{"ETag", "\"2\""}}));
  CHECK_FALSE(speaks({{"ETag", "\"1\""}}, {{"ETag", "W/\"1\""}}));
  CHECK_FALSE(speaks({}, {{"ETag", "\"1\""}}));
  CHECK(speaks({{"Last-Modified", kDate}}, {{"Last-Modified", kDate}}));
  CHECK_FALSE(speaks({{"Last-Modified", kDate}}, {{"Last-Modified", other}}));
  CHECK_FALSE(speaks({}, {{"Last-Modified", kDate}}));
  CHECK(speaks({}, {}));
  CHECK_FALSE(speaks({{"ETag", "\"1\""}}, {}));
  CHECK(speaks({{"ETag", "\"1\""}}, {{"ETag", "\"1\""}, {"Content-Length", "0"}}));
}

TEST_CASE(
    "an answer to HEAD confirms by its validators, all of them, and contradicts by any, by length and by status") {
  const auto says = [](FieldPairs stored, FieldPairs sent, int status = 200) {
    return agreement_of_head(*entry_with(stored, "hello", status), ok(sent), kWall);
  };
  const std::string_view other = "Sun, 06 Nov 1994 09:00:00 GMT";
  CHECK(says({{"ETag", "\"1\""}}, {{"ETag", "\"1\""}, {"Content-Length", "5"}}) == Agreement::same);
  CHECK(says({{"ETag", "\"1\""}}, {{"ETag", "\"1\""}, {"Content-Length", "6"}}) == Agreement::other);
  CHECK(says({{"ETag", "\"1\""}}, {{"ETag", "\"2\""}}) == Agreement::other);
  CHECK(says({{"ETag", "\"1\""}}, {{"ETag", "\"1\""}}, 404) == Agreement::other);
  CHECK(says({{"Last-Modified", kDate}}, {{"Last-Modified", kDate}}) == Agreement::same);
  CHECK(says({{"ETag", "\"1\""}, {"Last-Modified", kDate}}, {{"ETag", "\"1\""}, {"Last-Modified", other}}) ==
        Agreement::other);
  CHECK(says({{"ETag", "\"1\""}, {"Last-Modified", kDate}}, {{"ETag", "\"1\""}}) == Agreement::same);
  CHECK(says({{"ETag", "\"1\""}}, {}) == Agreement::unsaid);
  CHECK(says({{"ETag", "\"1\""}}, {{"Last-Modified", kDate}}) == Agreement::unsaid);
  CHECK(says({{"Last-Modified", kDate}}, {{"ETag", "\"1\""}, {"Last-Modified", kDate}}) == Agreement::unsaid);
  CHECK(says({}, {{"Content-Length", "5"}}) == Agreement::unsaid);
}

TEST_CASE("a 304 to an entry's own validators confirms it unless it names another one") {
  const auto confirms = [](FieldPairs stored, FieldPairs fresh) {
    Response response = ok(fresh, 0);
    response.status = 304;
    return still_holds(*entry_with(stored), response, kWall);
  };
  CHECK(confirms({{"ETag", "\"1\""}}, {}));
  CHECK(confirms({{"ETag", "\"1\""}}, {{"ETag", "\"1\""}}));
  CHECK(confirms({{"ETag", "W/\"1\""}}, {{"ETag", "\"1\""}}));
  CHECK_FALSE(confirms({{"ETag", "\"1\""}}, {{"ETag", "\"2\""}}));
  CHECK(confirms({{"Last-Modified", kDate}}, {{"Last-Modified", kDate}}));
  CHECK_FALSE(confirms({{"Last-Modified", kDate}}, {{"Last-Modified", "Mon, 07 Nov 1994 08:49:37 GMT"}}));
}

TEST_CASE("an update leaves the entity tag, which names the stored bytes, as it is") {
  const EntryPtr entry = entry_with({{"ETag", "W/\"1\""}});
  Response fresh = ok({{"ETag", "\"1\""}}, 0);
  fresh.status = 304;
  CHECK(updated(*entry, fresh).fields.find("etag") == "W/\"1\"");
}
