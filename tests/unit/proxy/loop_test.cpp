// SPDX-License-Identifier: Apache-2.0
#include "proxy/net/loop.hpp"

#include <doctest/doctest.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <string>

using namespace fusewire::proxy;

namespace {

// A descriptor that becomes readable, and says when it is its turn.
struct Bell final : Loop::Source {
  explicit Bell(std::string& order) : said(order) {}
  ~Bell() { ::close(descriptor); }
  void ring() const { CHECK(::eventfd_write(descriptor, 1) == 0); }

  int descriptor = ::eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
  std::string& said;

 private:
  void note(std::uint32_t) override { said += "noted "; }
  void act() override { said += "acted "; }
};

}  // namespace

TEST_CASE("loop: what was posted comes before what was read, and after all has been noted") {
  std::string order;
  Loop loop;
  Bell one(order), two(order);
  REQUIRE(loop.watch(one.descriptor, one));
  REQUIRE(loop.watch(two.descriptor, two));
  loop.turn(std::chrono::steady_clock::now());
  order.clear();
  one.ring();
  loop.post([&] { order += "posted "; });
  two.ring();
  loop.turn();
  CHECK(order == "noted noted posted acted acted ");
}
