// SPDX-License-Identifier: Apache-2.0
#include "config/messages.hpp"

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
  CHECK(quote("a\nb\x7f") == "'a?b?'");
  CHECK(quote(std::string(100, 'x')) == "'" + std::string(60, 'x') + "…'");
}

}  // namespace
}  // namespace fusewire::config
