// SPDX-License-Identifier: Apache-2.0
#include "filters/balance/rendezvous.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <set>
#include <string>

#include "filters/balance/hash.hpp"
#include "tests/unit/filters/balance/about.hpp"

using namespace fusewire::balance;
using namespace fusewire::test;

namespace {

constexpr std::uint32_t kKeys = 50000;

std::uint64_t key(std::uint32_t n) { return hash_of("user-" + std::to_string(n)); }

std::vector<std::uint64_t> addresses(std::uint32_t count) {
  std::vector<std::uint64_t> ids;
  for (std::uint32_t i = 0; i < count; ++i) ids.push_back(hash_of("10.0.0." + std::to_string(i) + ":8080"));
  return ids;
}

Rendezvous equal(const std::vector<std::uint64_t>& ids) { return {ids, std::vector<std::uint32_t>(ids.size(), 1)}; }

std::vector<double> shares(Rendezvous& table, std::size_t members) {
  std::vector<double> found(members);
  for (std::uint32_t n = 0; n < kKeys; ++n) found.at(table.owner(key(n))) += 1.0 / kKeys;
  return found;
}

}  // namespace

TEST_CASE("keys are spread evenly over the members") {
  for (const std::uint32_t members : {2U, 10U, 30U}) {
    Rendezvous table = equal(addresses(members));
    for (const double share : shares(table, members)) CHECK(share * members == about(1, 0.15));
  }
}

TEST_CASE("keys are spread by weight") {
  Rendezvous table(addresses(4), {5, 3, 1, 1});
  const auto found = shares(table, 4);
  CHECK(found[0] == about(0.5, 0.05));
  CHECK(found[1] == about(0.3, 0.05));
  CHECK(found[2] == about(0.1, 0.1));
  CHECK(found[3] == about(0.1, 0.1));
}

TEST_CASE("a member that goes moves its own keys alone, to all others alike") {
  for (const std::uint32_t members : {8U, 20U}) {  // drawn each time, and remembered
    auto ids = addresses(members);
    Rendezvous before = equal(ids);
    ids.pop_back();
    Rendezvous after = equal(ids);
    std::vector<double> received(members - 1);
    double moved = 0;
    for (std::uint32_t n = 0; n < kKeys; ++n) {
      const std::uint32_t old_owner = before.owner(key(n));
      const std::uint32_t owner = after.owner(key(n));
      if (old_owner + 1 < members) {
        REQUIRE(owner == old_owner);
        continue;
      }
      moved += 1;
      received.at(owner) += 1;
    }
    CHECK(moved / kKeys == about(1.0 / members, 0.15));
    for (const double one : received) CHECK(one * (members - 1) / moved == about(1, 0.35));
  }
}

TEST_CASE("the order of the list does not matter, nor how it is remembered") {
  const auto ids = addresses(Rendezvous::kDrawn);
  auto reversed = ids;
  std::reverse(reversed.begin(), reversed.end());
  Rendezvous table = equal(ids);
  Rendezvous backwards = equal(reversed);
  auto more = ids;
  more.push_back(hash_of("one more"));
  Rendezvous remembered = equal(more);
  for (std::uint32_t n = 0; n < 2000; ++n) {
    REQUIRE(table.owner(key(n)) == Rendezvous::kDrawn - 1 - backwards.owner(key(n)));
    const std::uint32_t owner = remembered.owner(key(n));
    REQUIRE(owner == remembered.owner(key(n)));
    if (owner != Rendezvous::kDrawn) REQUIRE(owner == table.owner(key(n)));
  }
}

TEST_CASE("equal weights place keys as no weights do") {
  const auto ids = addresses(5);
  Rendezvous plain = equal(ids);
  Rendezvous weighted(ids, {4, 4, 4, 4, 5});
  std::uint32_t moved = 0;
  for (std::uint32_t n = 0; n < 5000; ++n) {
    const std::uint32_t owner = weighted.owner(key(n));
    if (owner == plain.owner(key(n))) continue;
    REQUIRE(owner == 4);  // the heavier one alone gains
    ++moved;
  }
  CHECK(moved > 100);
  CHECK(moved < 300);
}

TEST_CASE("the best of the eligible ones is the owner where that is eligible") {
  Rendezvous table = equal(addresses(10));
  for (std::uint32_t n = 0; n < 1000; ++n) {
    const std::uint32_t owner = table.owner(key(n));
    CHECK(table.best(key(n), [](std::uint32_t) { return true; }) == owner);
    CHECK(table.best(key(n), [owner](std::uint32_t member) { return member != owner; }) != owner);
  }
  CHECK(table.best(key(0), [](std::uint32_t) { return false; }) == Rendezvous::kNone);
}

TEST_CASE("hashes differ by content and by length") {
  std::set<std::uint64_t> seen;
  for (const char* text : {"", "a", "b", "ab", "ba", "abcdefgh", "abcdefghi", "abcdefgh\1", "bbcdefgh"})
    CHECK(seen.insert(hash_of(text)).second);
  CHECK(seen.insert(hash_of(std::string(1, '\0'))).second);
  CHECK(seen.insert(hash_of(std::string(2, '\0'))).second);
  CHECK(seen.insert(hash_of(std::string(8, '\0'))).second);
  CHECK(hash_of("abcdefghi") == hash_of(std::string("abcdefg") + "hi"));
}
