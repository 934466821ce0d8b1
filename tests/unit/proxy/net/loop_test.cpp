// SPDX-License-Identifier: Apache-2.0
#include "proxy/net/loop.hpp"

#include <doctest/doctest.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include <chrono>
#include <memory>
#include <string>
#include <vector>

#include "proxy/net/channel.hpp"

using fusewire::Time;
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

TEST_CASE("loop: what comes while a long turn lasts is in time for what falls due in that turn") {
  // Rings the other bell, and returns when the deadline has passed.
  struct Slow final : Loop::Source {
    Slow(const Bell& other, Time wanted) : bell(other), until(wanted) {}
    const Bell& bell;
    const Time until;

   private:
    void note(std::uint32_t) override {}
    void act() override {
      if (std::chrono::steady_clock::now() < until) bell.ring();
      while (std::chrono::steady_clock::now() < until) continue;
    }
  };
  std::string order;
  Loop loop;
  Bell bell(order);
  REQUIRE(loop.watch(bell.descriptor, bell));
  loop.turn(std::chrono::steady_clock::now());
  order.clear();
  const auto due = std::chrono::steady_clock::now() + 20ms;
  Deadline deadline(loop.deadlines(), [&] { order += "due "; });
  deadline.arm(due);
  Slow slow(bell, due + 20ms);
  loop.defer(slow);
  for (int i = 0; i < 10 && order.find("due") == std::string::npos; ++i) loop.turn();
  CHECK(order == "noted acted due ");
}

TEST_CASE("loop: all that has come is handled before anything falls due, however much it is") {
  std::string order;
  Loop loop;
  std::vector<std::unique_ptr<Bell>> bells;
  for (int i = 0; i < 300; ++i) {
    bells.push_back(std::make_unique<Bell>(order));
    REQUIRE(loop.watch(bells.back()->descriptor, *bells.back()));
    bells.back()->ring();
  }
  Deadline deadline(loop.deadlines(), [&] { order += "due "; });
  deadline.arm(std::chrono::steady_clock::now() - 1s);
  for (int i = 0; i < 10 && order.find("due") == std::string::npos; ++i) loop.turn();
  CHECK(order.ends_with("acted due "));
  CHECK(order.size() == 300 * std::string("noted acted ").size() + std::string("due ").size());
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
