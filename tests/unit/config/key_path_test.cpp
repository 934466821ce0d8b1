// SPDX-License-Identifier: Apache-2.0
#include "config/key_path.hpp"
#include "config/keys.hpp"
#include "config/report.hpp"

#include "config/document.hpp"
#include "config/shape.hpp"
#include "support.hpp"

namespace fusewire::config {
namespace {

const char* const kFile = R"(
listeners:
  - {address: 127.0.0.1:1}
  - {address: 127.0.0.1:2}
upstreams:
  orders: http://a
  orders.v2: http://b
  a-b: http://c
  a.b: http://d
  x__y: http://e
)";

Resolution resolved(std::string_view text, Spelling spelling) {
  Report report("f");
  std::optional<Node> root = parse_document(kFile, Origin::file, report);
  REQUIRE(root);
  check_shape(*root, file_shape(), report);
  REQUIRE_FALSE(report.failed());
  return resolve(*root, file_shape(), text, spelling);
}

Lines paths(std::string_view text, Spelling spelling) {
  Lines lines;
  for (const KeyPath& path : resolved(text, spelling).paths) lines.push_back(to_string(path));
  return lines;
}
Lines dotted(std::string_view text) { return paths(text, Spelling::dotted); }
Lines environment(std::string_view text) { return paths(text, Spelling::environment); }

TEST_CASE("a dotted path is written as in the file") {
  CHECK(dotted("admin.token") == Lines{"admin.token"});
  CHECK(dotted("upstreams.orders.timeouts.connect") == Lines{"upstreams.orders.timeouts.connect"});
  CHECK(dotted("Admin.token").empty());
}

TEST_CASE("of two names that fit, a dotted path means the longer one") {
  CHECK(dotted("upstreams.orders.v2.timeouts").at(0) == "upstreams.orders.v2.timeouts");
  CHECK(resolved("upstreams.orders.v2", Spelling::dotted).paths.at(0) == KeyPath{"upstreams", "orders.v2"});
}

TEST_CASE("a name of the environment is case-blind, and '-' and '.' are '_'") {
  CHECK(environment("UPSTREAMS__ORDERS__TIMEOUTS__CONNECT") == Lines{"upstreams.orders.timeouts.connect"});
  CHECK(environment("upstreams__Orders_V2__circuit_breaker") == Lines{"upstreams.orders.v2.circuit_breaker"});
  CHECK(environment("UPSTREAMS__X__Y__LIMITS") == Lines{"upstreams.x__y.limits"});
}

TEST_CASE("a name of the environment that fits two keys resolves to both") {
  CHECK(environment("UPSTREAMS__A_B") == Lines{"upstreams.a-b", "upstreams.a.b"});
}

TEST_CASE("items of lists go by position and must be there") {
  CHECK(dotted("listeners.1.address") == Lines{"listeners.1.address"});
  CHECK(environment("LISTENERS__0__ADDRESS") == Lines{"listeners.0.address"});
  CHECK(dotted("upstreams.orders.endpoints.0.url") == Lines{"upstreams.orders.endpoints.0.url"});
  CHECK(dotted("listeners.1") == Lines{"listeners.1"});
  CHECK(dotted("listeners.2.address").empty());
  CHECK(dotted("listeners.x.address").empty());
  CHECK(dotted("listeners.99999999999999999999.address").empty());
}

TEST_CASE("a key that is not built takes the whole rest") {
  CHECK(dotted("fleet.redis") == Lines{"fleet"});
  CHECK(environment("STATE__FILE") == Lines{"state"});
}

TEST_CASE("where nothing fits, the furthest place says what could have stood there") {
  const Resolution resolution = resolved("upstreams.orders.timeout.connect", Spelling::dotted);
  CHECK(resolution.paths.empty());
  CHECK(to_string(resolution.reached) == "upstreams.orders");
  CHECK(resolution.unknown == "timeout");
  CHECK(std::find(resolution.candidates.begin(), resolution.candidates.end(), "timeouts") !=
        resolution.candidates.end());
}

TEST_CASE("a path does not end in its separator or go on below a value") {
  CHECK(dotted("").empty());
  CHECK(dotted("admin.").empty());
  CHECK(dotted("admin.token.x").empty());
  CHECK(environment("ADMIN__").empty());
  CHECK(environment("").empty());
}

}  // namespace
}  // namespace fusewire::config
