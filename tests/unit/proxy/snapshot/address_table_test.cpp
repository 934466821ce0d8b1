// SPDX-License-Identifier: Apache-2.0
#include "proxy/snapshot/address_table.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <boost/asio/ip/tcp.hpp>
#include <cstring>

using namespace fusewire;
using namespace fusewire::proxy;
using namespace std::chrono_literals;

namespace {

constexpr std::size_t kLimit = 4096;  // of those that nobody uses
const Time kNow = Time{} + 1h;

SocketAddress address(std::size_t n) {
  return asio::ip::tcp::endpoint(asio::ip::address_v4(0x0a000000U + static_cast<std::uint32_t>(n)), 80);
}

struct Scene {
  AddressTable table{"orders", config::CircuitBreaker{}};

  AddressTable::AddressPtr find_or_make(std::size_t n, const std::string& url = "http://a") {
    return table.find_or_make(address(n), url, kNow);
  }
  // So many, each used by nobody but those who hold what is returned.
  std::vector<AddressTable::AddressPtr> make(std::size_t first, std::size_t count) {
    std::vector<AddressTable::AddressPtr> made;
    for (std::size_t n = first; n < first + count; ++n) made.push_back(find_or_make(n));
    return made;
  }
};

}  // namespace

TEST_CASE("an address that is in use is not forgotten, however many are") {
  Scene scene;
  const auto held = scene.make(0, 2 * kLimit);
  CHECK(scene.table.all() == held);
  std::size_t found = 0;
  for (std::size_t n = 0; n < held.size(); ++n) found += scene.find_or_make(n) == held[n] ? 1 : 0;
  CHECK(found == held.size());
}

TEST_CASE("where there are too many addresses the oldest that nobody uses are forgotten") {
  Scene scene;
  const auto held = scene.make(0, 1);
  std::size_t most = 0;
  for (std::size_t n = 1; n < 3 * kLimit; ++n) {
    scene.find_or_make(n);
    if (n % 256 == 0) most = std::max(most, scene.table.all().size());
  }
  CHECK(most <= kLimit);
  const auto kept = scene.table.all();
  REQUIRE(kept.size() > kLimit / 2);
  CHECK(kept.front() == held.front());
  std::size_t newest = 0;
  for (std::size_t i = 1; i < kept.size(); ++i)
    newest += kept[i]->name == "orders/" + to_string(address(3 * kLimit - kept.size() + i)) ? 1 : 0;
  CHECK(newest == kept.size() - 1);
}

TEST_CASE("addresses that were more than there is room for are forgotten when nobody uses them any more") {
  Scene scene;
  scene.make(0, 2 * kLimit);  // together
  SUBCASE("as others come") {}
  SUBCASE("or when their endpoint is gone") {
    scene.table.keep_only({"http://b"});
    CHECK(scene.table.all().empty());
  }
  for (std::size_t n = 2 * kLimit; n < 5 * kLimit; ++n) scene.find_or_make(n);
  CHECK(scene.table.all().size() <= 2 * kLimit + kLimit / 2);
  scene.table.keep_only({"http://a"});
  scene.find_or_make(0);
  CHECK(scene.table.all().size() <= kLimit);
}

TEST_CASE("an address is one, whether it was written as a number or is a name's") {
  Scene scene;
  const SocketAddress written = address(1);
  SocketAddress resolved;  // as of getaddrinfo: of no protocol
  std::memcpy(resolved.data(), written.data(), written.size());
  resolved.resize(written.size());
  const auto one = scene.table.find_or_make(written, "http://10.0.0.1", kNow);
  CHECK(scene.table.find_or_make(resolved, "http://name", kNow) == one);
  CHECK(scene.table.all().size() == 1);
}

TEST_CASE(
    "an address stays while an endpoint is configured that it was found for, and is another one when it is back") {
  Scene scene;
  const auto both = scene.find_or_make(1, "http://a");
  const auto first = scene.find_or_make(2, "http://a");
  const auto second = scene.find_or_make(3, "http://b");
  scene.find_or_make(1, "http://b");
  scene.table.keep_only({"http://b"});
  CHECK(scene.table.all() == std::vector{both, second});
  const auto back = scene.find_or_make(2, "http://b");
  CHECK(back != first);
  CHECK(scene.table.all() == std::vector{both, second, back});
}
