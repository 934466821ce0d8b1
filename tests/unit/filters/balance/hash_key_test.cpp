// SPDX-License-Identifier: Apache-2.0
#include "filters/balance/hash_key.hpp"

#include <doctest/doctest.h>

#include "filters/balance/hash.hpp"
#include "tests/unit/filters/scene.hpp"

using namespace fusewire;
using namespace fusewire::test;
using config::HashKey;

namespace {

std::uint64_t key(const HashKey& by, FieldPairs fields) {
  return balance::hash_key(by, make_fields(fields), "192.0.2.1");
}
std::uint64_t of(std::string_view text) { return balance::hash_of(text); }

}  // namespace

TEST_CASE("a request's key is its header's value, and its client's address where there is none") {
  const HashKey by{HashKey::By::header, "x-user"};
  CHECK(key(by, {{"X-User", "ada"}}) == of("ada"));
  CHECK(key(by, {{"X-Other", "ada"}}) == of("192.0.2.1"));
  CHECK(key({HashKey::By::ip, ""}, {{"X-User", "ada"}}) == of("192.0.2.1"));
}

TEST_CASE("the client of a trusted peer is what that has added last to X-Forwarded-For") {
  const auto client = [](FieldPairs fields) {
    const Fields kept = make_fields(fields);
    return std::string(balance::forwarded_client(kept, "10.0.0.1"));
  };
  CHECK(client({}) == "10.0.0.1");
  CHECK(client({{"X-Forwarded-For", "192.0.2.7"}}) == "192.0.2.7");
  CHECK(client({{"X-Forwarded-For", "203.0.113.9, 192.0.2.7 "}}) == "192.0.2.7");
  CHECK(client({{"x-forwarded-for", "203.0.113.9"}, {"X-Forwarded-For", "192.0.2.7"}}) == "192.0.2.7");
  CHECK(client({{"X-Forwarded-For", "192.0.2.7, "}}) == "10.0.0.1");
}

TEST_CASE("a cookie is found among others, by its whole name") {
  const HashKey by{HashKey::By::cookie, "id"};
  CHECK(key(by, {{"Cookie", "id=7"}}) == of("7"));
  CHECK(key(by, {{"Cookie", "xid=1; id=7; idx=2"}}) == of("7"));
  CHECK(key(by, {{"Cookie", "a=1"}, {"Cookie", "b=2;id=a=b"}}) == of("a=b"));
  CHECK(key(by, {{"Cookie", "; =; id; ID=7;;"}}) == of("192.0.2.1"));
  CHECK(key(by, {{"Cookie", "id="}}) == of(""));
}
