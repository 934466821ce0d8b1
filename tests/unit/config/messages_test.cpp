// SPDX-License-Identifier: Apache-2.0
#include "config/messages.hpp"

#include "config/printable.hpp"

#include "support.hpp"

namespace fusewire::config {
namespace {

const std::vector<std::string_view> kKeys = {"connect", "response", "idle", "total", "open_timeout"};

TEST_CASE("the nearest key is the one that a slip of the pen is away") {
  CHECK(nearest("conect", kKeys) == "connect");
  CHECK(nearest("tota", kKeys) == "total");
  CHECK(nearest("resposne", kKeys) == "response");
  CHECK(nearest("CONNECT", kKeys) == "connect");
}

TEST_CASE("a key that begins like another is near to it, however long") {
  CHECK(nearest("open", kKeys) == "open_timeout");
  CHECK(nearest("idle_timeout", kKeys) == "idle");
}

TEST_CASE("nothing is near to a word that resembles none, or that nobody would have typed") {
  CHECK_FALSE(nearest("bananas", kKeys));
  CHECK_FALSE(nearest("", kKeys));
  CHECK_FALSE(nearest(std::string(1000, 'c'), kKeys));
}

TEST_CASE("a suggestion names the near key, or all of them") {
  CHECK(suggestion("conect", kKeys) == "; did you mean 'connect'?");
  CHECK(suggestion("bananas", kKeys) == "; expected one of: connect, response, idle, total, open_timeout");
  CHECK(suggestion("bananas", {}) == "");
}

TEST_CASE("a long list of candidates is cut") {
  const std::vector<std::string_view> many(30, "orders");
  CHECK(suggestion("bananas", many).ends_with("orders, …"));
}

TEST_CASE("quoted text is one short line") {
  CHECK(quote("a\nb\x7f") == R"('a\u000ab\u007f')");
  CHECK(quote(std::string(100, 'x')) == "'" + std::string(60, 'x') + "…'");
  CHECK(quote(std::string(59, 'x') + "äy") == "'" + std::string(59, 'x') + "…'");
}

TEST_CASE("nothing that is shown steers the terminal") {
  CHECK(printable("plain, ä, €, 𐍈, \\u") == "plain, ä, €, 𐍈, \\u");
  CHECK(printable("\x1b[31m\a\n\r\t\x7f") == R"(\u001b[31m\u0007\u000a\u000d\u0009\u007f)");
  CHECK(printable("\u0080\u009b\u00a0") == "\\u0080\\u009b\u00a0");
  CHECK(printable("\u200d\u200e\u200f\u2027\u2028\u2029\u202a\u202e\u202f\u2065\u2066\u2069\u206a\u061b\u061c") ==
        "\u200d\\u200e\\u200f\u2027\\u2028\\u2029\\u202a\\u202e\u202f\u2065\\u2066\\u2069\u206a\u061b\\u061c");
  CHECK(printable("a\x9b"
                  "31m\xe2") == R"(a\x9b31m\xe2)");
}

}  // namespace
}  // namespace fusewire::config
