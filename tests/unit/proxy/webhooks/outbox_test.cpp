// SPDX-License-Identifier: Apache-2.0
#include "proxy/webhooks/outbox.hpp"

#include <doctest/doctest.h>

#include "tests/unit/proxy/webhooks/notices.hpp"

using namespace fusewire;
using namespace fusewire::testing;
using namespace std::chrono_literals;
using config::WebhookEvent;
using proxy::Notice;
using proxy::Outbox;

namespace {

constexpr Outbox::Time kStart{1000s};

Outbox outbox(std::chrono::milliseconds min_interval = 10s, std::chrono::milliseconds repeat = 0s) {
  Outbox made;
  made.configure(min_interval, repeat);
  return made;
}

}  // namespace

TEST_CASE("webhooks: the first event about a breaker goes at once, of those within the interval the last") {
  Outbox box = outbox();
  box.offer(opened("orders", 1), kStart);
  CHECK(box.take(kStart)->logged.id == 1);
  for (std::uint64_t id = 2; id < 6; ++id)
    box.offer(id % 2 == 0 ? closed("orders", id) : opened("orders", id), kStart + 1s);
  CHECK_FALSE(box.take(kStart + 9999ms));
  CHECK(box.next_at() == kStart + 10s);
  CHECK(box.waiting() == 1);
  const auto last = box.take(kStart + 10s);
  REQUIRE(last);
  CHECK(last->logged.id == 5);
  CHECK(last->event == WebhookEvent::open);
  CHECK(last->held_back == 3);
  CHECK(box.held_back() == 3);
  CHECK_FALSE(box.next_at());
}

TEST_CASE("webhooks: an interval begins with each message, and breakers have one each") {
  Outbox box = outbox();
  box.offer(opened("a", 1), kStart);
  box.offer(opened("b", 2), kStart);
  CHECK(box.take(kStart)->logged.id == 1);
  CHECK(box.take(kStart)->logged.id == 2);
  box.offer(closed("a", 3), kStart + 1s);
  CHECK(box.take(kStart + 10s)->logged.id == 3);
  box.offer(opened("a", 4), kStart + 11s);
  CHECK_FALSE(box.take(kStart + 19s));
  CHECK(box.take(kStart + 20s)->logged.id == 4);
  box.offer(closed("a", 5), kStart + 31s);
  CHECK(box.take(kStart + 31s)->logged.id == 5);
}

TEST_CASE("webhooks: without an interval every event is a message") {
  Outbox box = outbox(0s);
  for (std::uint64_t id = 1; id <= 3; ++id) box.offer(opened("orders", id), kStart);
  for (std::uint64_t id = 1; id <= 3; ++id) CHECK(box.take(kStart)->logged.id == id);
  CHECK(box.held_back() == 0);
}

TEST_CASE("webhooks: what has no room pushes out an older one about the same breaker, else the oldest") {
  Outbox box = outbox(0s);
  for (std::uint64_t id = 1; id <= Outbox::kMaxReady; ++id)
    box.offer(opened(id == 50 ? "b" : "a" + std::to_string(id), id), kStart);
  CHECK(box.dropped() == 0);
  box.offer(closed("b", 1000), kStart);
  box.offer(opened("c", 1001), kStart);
  CHECK(box.dropped() == 2);
  CHECK(box.waiting() == Outbox::kMaxReady);
  std::vector<std::uint64_t> ids;
  while (const auto next = box.take(kStart)) ids.push_back(next->logged.id);
  CHECK(ids.front() == 2);
  CHECK(std::find(ids.begin(), ids.end(), 50) == ids.end());
  CHECK(ids[ids.size() - 2] == 1000);
  CHECK(ids.back() == 1001);
}

TEST_CASE("webhooks: at the process' end nothing is held back") {
  Outbox box = outbox();
  box.offer(opened("orders", 1), kStart);
  box.take(kStart);
  box.offer(closed("orders", 2), kStart);
  box.hurry();
  CHECK(box.next_at() == Outbox::Time::min());
  CHECK(box.take(kStart)->logged.id == 2);
  box.offer(opened("orders", 3), kStart);
  CHECK(box.take(kStart)->logged.id == 3);
  CHECK_FALSE(box.next_at());
}

TEST_CASE("webhooks: a message that was held never comes behind a newer one") {
  const auto begin = [](Outbox& box) {
    box.offer(opened("orders", 1), kStart);
    box.take(kStart);
    box.offer(half_opened("orders", 2), kStart + 1s);
  };
  const auto check = [](Outbox& box) {
    CHECK(box.next_at() == Outbox::Time::min());
    box.offer(closed("orders", 3), kStart + 2s);
    CHECK(box.take(kStart + 2s)->logged.id == 2);
    CHECK(box.take(kStart + 2s)->logged.id == 3);
    CHECK_FALSE(box.take(kStart + 20s));
  };
  SUBCASE("nothing is held back any more") {
    Outbox box = outbox();
    begin(box);
    box.configure(0s, 0s);
    check(box);
  }
  SUBCASE("the process ends") {
    Outbox box = outbox();
    begin(box);
    box.hurry();
    check(box);
  }
}

TEST_CASE("webhooks: where receivers forget, trouble is said again until it is over, with its beginning") {
  Outbox box = outbox(10s, 60s);
  box.offer(opened("orders", 1), kStart);
  box.take(kStart);
  CHECK(box.next_at() == kStart + 60s);
  CHECK(box.waiting() == 0);
  CHECK_FALSE(box.take(kStart + 59s));
  CHECK(box.take(kStart + 60s)->logged.id == 1);
  Notice later = half_opened("orders", 2);
  later.logged.at += 70s;
  box.offer(later, kStart + 70s);
  CHECK(box.take(kStart + 70s)->since == kMorning);
  CHECK(box.take(kStart + 130s)->logged.id == 2);
  Notice over = closed("orders", 3);
  over.logged.at += 140s;
  box.offer(over, kStart + 140s);
  CHECK(box.take(kStart + 140s)->since == kMorning);
  CHECK_FALSE(box.take(kStart + 300s));
  CHECK_FALSE(box.next_at());
}

TEST_CASE("webhooks: trouble of an upstream that is gone is not said again") {
  Outbox box = outbox(0s, 60s);
  box.offer(opened("orders", 1), kStart);
  box.offer(opened("users", 2), kStart);
  box.take(kStart);
  box.take(kStart);
  box.forget([](std::string_view name) { return name == "users"; });
  CHECK(box.take(kStart + 60s)->logged.breaker == "users");
  CHECK_FALSE(box.take(kStart + 60s));
}
