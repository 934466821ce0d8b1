// SPDX-License-Identifier: Apache-2.0
#include "config/scalars.hpp"

#include "support.hpp"

namespace fusewire::config {
namespace {

TEST_CASE("a duration is a number with a unit") {
  CHECK(parse_duration("250ms") == 250ms);
  CHECK(parse_duration("1.5s") == 1500ms);
  CHECK(parse_duration("10m") == 10min);
  CHECK(parse_duration("1h") == 1h);
  CHECK(parse_duration("0.25h") == 15min);
  CHECK(parse_duration("0s") == 0ms);
  CHECK(parse_duration("0.001s") == 1ms);
}

TEST_CASE("anything else is no duration") {
  for (const char* text : {"5",
                           "",
                           "s",
                           "ms",
                           "1",
                           "1.5",
                           ".5s",
                           "1.s",
                           "-1s",
                           "+1s",
                           "1 s",
                           "1s ",
                           "1S",
                           "1d",
                           "1h30m",
                           "1e3s",
                           "0x1s",
                           "0.5ms",
                           "1.0005s",
                           "1.2.3s",
                           "1.0000000000s",
                           "inf",
                           "nan",
                           "99999999999999999999s",
                           "9999999999999h",
                           "87601h",
                           "1us"}) {
    CAPTURE(text);
    CHECK_FALSE(parse_duration(text));
  }
}

TEST_CASE("a size is bytes, or a number with a unit of 1024s or 1000s") {
  CHECK(parse_size("0") == 0);
  CHECK(parse_size("123") == 123);
  CHECK(parse_size("7B") == 7);
  CHECK(parse_size("64KiB") == 65536);
  CHECK(parse_size("1.5KiB") == 1536);
  CHECK(parse_size("1MB") == 1'000'000);
  CHECK(parse_size("2GiB") == 2ULL << 30);
  CHECK(parse_size("2GB") == 2'000'000'000);
  CHECK(parse_size("3KB") == 3000);
  for (const char* text :
       {"", "KiB", "1kib", "1 MiB", "-1", "1.3KiB", "1.5", "99999999999999999999", "99999999999GiB"}) {
    CAPTURE(text);
    CHECK_FALSE(parse_size(text));
  }
}

TEST_CASE("a number is finite and alone") {
  CHECK(parse_number("0.5") == 0.5);
  CHECK(parse_number("1e-1") == 0.1);
  CHECK(parse_number("-2") == -2);
  for (const char* text : {"", "nan", "inf", "1e999", "0.5x", " 1", "1,5", "0x10"}) {
    CAPTURE(text);
    CHECK_FALSE(parse_number(text));
  }
}

TEST_CASE("what is printed is read back as the same") {
  for (const milliseconds value : {0ms, 1ms, 999ms, 1000ms, 1500ms, 60'000ms, 90'000ms, 3'600'000ms, 86'400'001ms})
    CHECK(parse_duration(format_duration(value)) == value);
  for (const std::uint64_t value :
       {0ULL, 1ULL, 1000ULL, 1024ULL, 1536ULL, 1ULL << 20, 1ULL << 40, 18'446'744'073'709'551'614ULL})
    CHECK(parse_size(format_size(value)) == value);
  for (const double value : {0.1, 0.5, 1.0, 1.0 / 3, 1e-9, 2.0, 1e300})
    CHECK(parse_number(format_number(value)) == value);
}

TEST_CASE("the largest unit that fits is printed") {
  CHECK(format_duration(90s) == "90s");
  CHECK(format_duration(120s) == "2m");
  CHECK(format_duration(1500ms) == "1500ms");
  CHECK(format_size(65536) == "64KiB");
  CHECK(format_size(1000) == "1000");
}

TEST_CASE("tokens and field values are those of HTTP") {
  CHECK(is_token("x-canary"));
  CHECK_FALSE(is_token(""));
  CHECK_FALSE(is_token("a b"));
  CHECK_FALSE(is_token("a:"));
  CHECK(is_field_value("a b\tc\xc3\xa4"));
  CHECK_FALSE(is_field_value("a\r\nb"));
  CHECK_FALSE(is_field_value(std::string_view("\0", 1)));
}

}  // namespace
}  // namespace fusewire::config
