// SPDX-License-Identifier: Apache-2.0
#include "proxy/snapshot/listener_gate.hpp"

#include <doctest/doctest.h>

using namespace fusewire;
using namespace fusewire::proxy;
using namespace std::chrono_literals;

namespace {

struct Client final : WaitingList::Member {
  bool give_way() override { return gives_way; }
  bool gives_way = true;
};

const Time kStart = Time{} + 1h;

}  // namespace

TEST_CASE("a waiting list knows who has waited longest, no matter who leaves") {
  WaitingList list;
  CHECK(list.oldest() == kNever);
  Client a, b, c;
  list.append(a, kStart);
  list.append(b, kStart + 1s);
  list.append(c, kStart + 2s);
  CHECK(list.first() == &a);
  CHECK(list.oldest() == kStart);
  b.leave();
  b.leave();
  CHECK(a.next() == &c);
  a.leave();
  CHECK(list.first() == &c);
  CHECK(list.oldest() == kStart + 2s);
  list.append(a, kStart + 3s);
  c.leave();
  CHECK(list.first() == &a);
  a.leave();
  CHECK(list.first() == nullptr);
  CHECK(list.oldest() == kNever);
  CHECK(a.list() == nullptr);
}

TEST_CASE(
    "an idle client gives way at once, an unfinished one when it has had its patience; the longer of them first") {
  WaitingClients clients;
  Client idle, slow;
  CHECK(clients.longest(kStart) == nullptr);
  clients.unfinished.append(slow, kStart);
  CHECK(clients.longest(kStart + WaitingClients::kPatience - 1ms) == nullptr);
  CHECK(clients.longest(kStart + WaitingClients::kPatience) == &clients.unfinished);
  clients.idle.append(idle, kStart + 1ms);
  CHECK(clients.longest(kStart + 1ms) == &clients.idle);
  CHECK(clients.longest(kStart + WaitingClients::kPatience) == &clients.unfinished);
  slow.leave();
  CHECK(clients.longest(kStart + 1h) == &clients.idle);
  idle.leave();
}

TEST_CASE("the worker is named whose client has waited longest") {
  ListenerGate gate(3);
  CHECK_FALSE(gate.longest_waiting(kStart));
  Client a, b;
  gate.waiting.of(0).idle.append(a, kStart + 1s);
  gate.waiting.of(2).idle.append(b, kStart);
  REQUIRE(gate.longest_waiting(kStart + 2s));
  CHECK(gate.longest_waiting(kStart + 2s)->worker == 2);
  b.leave();
  CHECK(gate.longest_waiting(kStart + 2s)->worker == 0);
  a.leave();
}
