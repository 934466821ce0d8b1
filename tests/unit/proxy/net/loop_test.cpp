// SPDX-License-Identifier: Apache-2.0
#include "proxy/net/loop.hpp"

#include <doctest/doctest.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include <chrono>
#include <string>

#include "proxy/net/channel.hpp"

using namespace fusewire::proxy;
using namespace std::chrono_literals;

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

TEST_CASE("a channel that is closed hears nothing more, also where another process has its descriptor still") {
  Loop loop;
  BufferPool buffers;
  int ends[2];
  REQUIRE(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, ends) == 0);
  const int copy = ::dup(ends[0]);  // as a fork makes it
  { const ChannelPtr closed(new Channel(loop, ends[0], buffers)); }
  REQUIRE(::write(ends[1], "x", 1) == 1);
  loop.turn(std::chrono::steady_clock::now() + 10ms);  // a sanitizer sees it reach what is gone
  CHECK(loop.turns() == 1);
  ::close(copy);
  ::close(ends[1]);
}
