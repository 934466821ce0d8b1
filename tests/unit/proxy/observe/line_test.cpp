// SPDX-License-Identifier: Apache-2.0
#include "proxy/observe/line.hpp"

#include <doctest/doctest.h>

#include <array>
#include <boost/json.hpp>
#include <initializer_list>
#include <limits>

#include "proxy/text/json_text.hpp"
#include "proxy/text/time_text.hpp"

using namespace fusewire::proxy;
using namespace std::chrono_literals;
using fusewire::config::LogFormat;

namespace {

const std::chrono::system_clock::time_point kMorning{1769847330042ms};

std::string escaped(std::string_view text) {
  std::string out;
  append_json(out, text);
  return out;
}

}  // namespace

TEST_CASE("times are RFC 3339 in UTC with milliseconds, rounded down") {
  CHECK(time_text(kMorning) == "2026-01-31T08:15:30.042Z");
  CHECK(time_text(kMorning + 999us) == "2026-01-31T08:15:30.042Z");
  CHECK(time_text(std::chrono::system_clock::time_point{}) == "1970-01-01T00:00:00.000Z");
  CHECK(time_text(std::chrono::system_clock::time_point{951826319999ms}) == "2000-02-29T12:11:59.999Z");
}

TEST_CASE("times that follow each other are what each would be alone") {
  TimeText times;
  for (const auto after :
       {0ms, 1ms, 957ms, 958ms, 1958ms, 1957ms, 86'400'000ms, 86'400'001ms, -1ms, -1'769'847'330'043ms}) {
    const TimeChars& chars = times.chars(kMorning + after);
    CHECK(std::string(chars.data(), chars.size()) == time_text(kMorning + after));
  }
}

TEST_CASE(
    "a text is copied as it is, or found not to be plain, whatever its length and wherever a byte is that is not") {
  for (std::size_t size = 0; size < 40; ++size) {
    const std::string plain = std::string("plain text of which some is taken, not all").substr(0, size);
    std::string to(size + 1, '?');
    CHECK(copy_plain_json(plain, to.data()));
    CHECK(to == plain + "?");
    for (std::size_t at = 0; at < size; ++at) {
      for (const char c : {'"', '\\', '\n', '\x7f', '\x80', '\0'}) {
        std::string other = plain;
        other[at] = c;
        CHECK_FALSE(copy_plain_json(other, to.data()));
        CHECK(to[size] == '?');
      }
    }
  }
}

TEST_CASE("a JSON line is one object with time, level and message first") {
  std::string out = "before\n";
  Line(out, LogFormat::json, time_chars(kMorning), "info", "hello")
      .text("who", "a \"b\"")
      .number("below", -7)
      .count("most", std::numeric_limits<std::uint64_t>::max())
      .real("ratio", 0.25)
      .real("nothing", std::numeric_limits<double>::infinity())
      .boolean("yes", true)
      .milliseconds("took", 12'345'678ns)
      .finish();
  CHECK(
      out ==
      "before\n{\"time\":\"2026-01-31T08:15:30.042Z\",\"level\":\"info\",\"message\":\"hello\",\"who\":\"a \\\"b\\\"\","
      "\"below\":-7,\"most\":18446744073709551615,\"ratio\":0.25,\"nothing\":null,\"yes\":true,\"took\":12.345}\n");
}

TEST_CASE("pieces of any size come out whole and in order") {
  for (const std::size_t size : std::initializer_list<std::size_t>{0, 1, 7, 8, 500, 1000, 1023, 1024, 1025, 5000}) {
    const std::string longer(size, 'x');
    std::string out;
    Line(out, LogFormat::json, time_chars(kMorning), "info", longer)
        .text("a", longer)
        .text("b", longer + "\n")
        .number("c", 1)
        .text(longer + "d", "e")
        .finish();
    const auto parsed = boost::json::parse(out).as_object();
    CHECK((parsed.at("message").as_string() == longer));
    CHECK((parsed.at("a").as_string() == longer));
    CHECK((parsed.at("b").as_string() == longer + "\n"));
    CHECK(parsed.at("c").as_int64() == 1);
    CHECK((parsed.at(longer + "d").as_string() == "e"));
  }
}

TEST_CASE("words are a list in JSON, and stand beside each other in text") {
  constexpr std::array<std::string_view, 2> kWords{"CB", "FB"};
  std::string out;
  Line(out, LogFormat::text, time_chars(kMorning), "info", "m").words("flags", kWords).words("none", {}).finish();
  CHECK(out == "2026-01-31T08:15:30.042Z info  m flags=CB,FB none=\n");
  out.clear();
  Line(out, LogFormat::json, time_chars(kMorning), "info", "m").words("flags", kWords).words("none", {}).finish();
  CHECK(out.ends_with("\"message\":\"m\",\"flags\":[\"CB\",\"FB\"],\"none\":[]}\n"));
}

TEST_CASE("a text line is for people, and stays one line") {
  std::string out;
  Line(out, LogFormat::text, time_chars(kMorning), "warn", "two words")
      .text("k", "a\nb")
      .milliseconds("took", 5us)
      .finish();
  CHECK(out == "2026-01-31T08:15:30.042Z warn  two words k=\"a\\nb\" took=0.005\n");
  out.clear();
  Line(out, LogFormat::text, time_chars(kMorning), "warn", "zwölf").finish();
  CHECK(out == "2026-01-31T08:15:30.042Z warn  zwölf\n");
  out.clear();
  Line(out, LogFormat::text, time_chars(kMorning), "error", "forged\nline").finish();
  CHECK(out == "2026-01-31T08:15:30.042Z error \"forged\\nline\"\n");
}

TEST_CASE("control characters are escaped, C1 and DEL too") {
  CHECK(escaped("a\x01\x1f\x7f") == "\"a\\u0001\\u001f\\u007f\"");
  CHECK(escaped("\xC2\x9B") == "\"\\u009b\"");             // CSI, which a terminal obeys
  CHECK(escaped("\u2028\u202e") == "\"\\u2028\\u202e\"");  // for some readers a new line, and text turned around
  CHECK(escaped("\r\n\t\"\\") == "\"\\r\\n\\t\\\"\\\\\"");
  CHECK(escaped(std::string_view("\0", 1)) == "\"\\u0000\"");
}

TEST_CASE("UTF-8 passes; what is not UTF-8 becomes the replacement character") {
  CHECK(escaped("\u00e9\u20ac\U0001F600") == "\"\u00e9\u20ac\U0001F600\"");
  CHECK(escaped("\xff") == "\"\\ufffd\"");
  CHECK(escaped("\xC3") == "\"\\ufffd\"");                               // cut short
  CHECK(escaped("\xC0\x80") == "\"\\ufffd\\ufffd\"");                    // overlong NUL
  CHECK(escaped("\xE0\x80\x80").find("fffd") != std::string::npos);      // overlong
  CHECK(escaped("\xED\xA0\x80") == "\"\\ufffd\\ufffd\\ufffd\"");         // a surrogate
  CHECK(escaped("\xF4\x90\x80\x80").find("fffd") != std::string::npos);  // above U+10FFFF
  CHECK(escaped("\xE2\x82x") == "\"\\ufffd\\ufffdx\"");
}

TEST_CASE("whatever the bytes, the line parses as JSON") {
  for (int first = 0; first < 256; ++first)
    for (int second = 0; second < 256; second += 3) {
      const std::string text = {static_cast<char>(first), static_cast<char>(second), 'x'};
      boost::system::error_code error;
      boost::json::parse(escaped(text), error);
      REQUIRE_MESSAGE(!error, first, ' ', second);
    }
}
