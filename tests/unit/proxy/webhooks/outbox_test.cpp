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
using proxy::Standing;

namespace {

constexpr Outbox::Time kStart{1000s};

Outbox outbox(std::chrono::milliseconds min_interval = 10s, std::chrono::milliseconds look = 0s, bool repeats = true) {
  Outbox made;
  made.configure(min_interval, look, repeats);
  return made;
}

std::optional<Notice> take(Outbox& box, Outbox::Time now, Standing standing = Standing::in_trouble) {
  return box.take(now, [standing](const std::string&) { return standing; });
}

}  // namespace

TEST_CASE("webhooks: the first event about a breaker goes at once, of those within the interval the last") {
  Outbox box = outbox();
  box.offer(opened("orders", 1), kStart);
  CHECK(take(box, kStart)->logged.id == 1);
  for (std::uint64_t id = 2; id < 6; ++id)
    box.offer(id % 2 == 0 ? closed("orders", id) : opened("orders", id), kStart + 1s);
  CHECK_FALSE(take(box, kStart + 9999ms));
  CHECK(box.next_at() == kStart + 10s);
  CHECK(box.waiting() == 1);
  const auto last = take(box, kStart + 10s);
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
  CHECK(take(box, kStart)->logged.id == 1);
  CHECK(take(box, kStart)->logged.id == 2);
  box.offer(closed("a", 3), kStart + 1s);
  CHECK(take(box, kStart + 10s)->logged.id == 3);
  box.offer(opened("a", 4), kStart + 11s);
  CHECK_FALSE(take(box, kStart + 19s));
  CHECK(take(box, kStart + 20s)->logged.id == 4);
  box.offer(closed("a", 5), kStart + 31s);
  CHECK(take(box, kStart + 31s)->logged.id == 5);
}

TEST_CASE("webhooks: without an interval every event is a message") {
  Outbox box = outbox(0s);
  for (std::uint64_t id = 1; id <= 3; ++id) box.offer(opened("orders", id), kStart);
  for (std::uint64_t id = 1; id <= 3; ++id) CHECK(take(box, kStart)->logged.id == id);
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
  while (const auto next = take(box, kStart)) ids.push_back(next->logged.id);
  CHECK(ids.front() == 2);
  CHECK(std::find(ids.begin(), ids.end(), 50) == ids.end());
  CHECK(ids[ids.size() - 2] == 1000);
  CHECK(ids.back() == 1001);
}

TEST_CASE("webhooks: at the process' end nothing is held back") {
  Outbox box = outbox();
  box.offer(opened("orders", 1), kStart);
  take(box, kStart);
  box.offer(closed("orders", 2), kStart);
  box.hurry();
  CHECK(box.next_at() == Outbox::Time::min());
  CHECK(take(box, kStart)->logged.id == 2);
  box.offer(opened("orders", 3), kStart);
  CHECK(take(box, kStart)->logged.id == 3);
  CHECK_FALSE(box.next_at());
}

TEST_CASE("webhooks: a message that was held never comes behind a newer one") {
  const auto begin = [](Outbox& box) {
    box.offer(opened("orders", 1), kStart);
    take(box, kStart);
    box.offer(half_opened("orders", 2), kStart + 1s);
  };
  const auto check = [](Outbox& box) {
    CHECK(box.next_at() == Outbox::Time::min());
    box.offer(closed("orders", 3), kStart + 2s);
    CHECK(take(box, kStart + 2s)->logged.id == 2);
    CHECK(take(box, kStart + 2s)->logged.id == 3);
    CHECK_FALSE(take(box, kStart + 20s));
  };
  SUBCASE("nothing is held back any more") {
    Outbox box = outbox();
    begin(box);
    box.configure(0s, 0s, false);
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
  take(box, kStart);
  CHECK(box.next_at() == kStart + 60s);
  CHECK(box.waiting() == 0);
  CHECK_FALSE(take(box, kStart + 59s));
  CHECK(take(box, kStart + 60s)->logged.id == 1);
  Notice later = half_opened("orders", 2);
  later.logged.at += 70s;
  box.offer(later, kStart + 70s);
  CHECK(take(box, kStart + 70s)->since == kMorning);
  CHECK(take(box, kStart + 130s)->logged.id == 2);
  Notice over = closed("orders", 3);
  over.logged.at += 140s;
  box.offer(over, kStart + 140s);
  CHECK(take(box, kStart + 140s)->since == kMorning);
  CHECK_FALSE(take(box, kStart + 300s));
  CHECK_FALSE(box.next_at());
}

TEST_CASE("webhooks: trouble of a breaker that is gone is resolved, and not said again") {
  for (const bool repeats : {true, false}) {
    CAPTURE(repeats);
    Outbox box = outbox(0s, 60s, repeats);
    box.offer(opened("orders/10.1.2.3:8080", 1), kStart);
    box.offer(opened("users", 2), kStart);
    take(box, kStart);
    take(box, kStart);
    const auto standing = [](const std::string& name) {
      return name == "users" ? Standing::in_trouble : Standing::gone;
    };
    CHECK_FALSE(box.take(kStart + 59s, standing));
    const auto over = box.take(kStart + 60s, standing);
    REQUIRE(over);
    CHECK(over->logged.breaker == "orders/10.1.2.3:8080");
    CHECK(over->event == WebhookEvent::closed);
    CHECK(over->found == proxy::Found::gone);
    CHECK(over->since == kMorning);
    CHECK_FALSE(over->logged.event.trip);
    CHECK(sentence(*over) == "Circuit breaker orders/10.1.2.3:8080 is gone: nothing asks it any more");
    const auto again = box.take(kStart + 60s, standing);
    CHECK(again.has_value() == repeats);
    if (again) CHECK(again->logged.breaker == "users");
    CHECK_FALSE(box.take(kStart + 60s, standing));
    CHECK(box.next_at() == kStart + 120s);
  }
}

TEST_CASE("webhooks: trouble that has ended without an event that arrived is resolved") {
  Outbox box = outbox(0s, 60s);
  box.offer(opened("orders", 1), kStart);
  take(box, kStart);
  const auto over = take(box, kStart + 60s, Standing::closed);
  REQUIRE(over);
  CHECK(over->event == WebhookEvent::closed);
  CHECK(sentence(*over) == "Circuit breaker orders is closed again");
  CHECK_FALSE(box.next_at());
}

TEST_CASE("webhooks: nobody looks at a breaker while a message about it is held") {
  Outbox box = outbox(90s, 60s);
  box.offer(opened("orders", 1), kStart);
  take(box, kStart);
  box.offer(closed("orders", 2), kStart + 1s);
  CHECK(take(box, kStart + 60s, Standing::closed)->logged.id == 1);
  const auto over = take(box, kStart + 90s, Standing::closed);
  CHECK(over->logged.id == 2);
  CHECK(over->found == proxy::Found::event);
  CHECK_FALSE(box.next_at());
}
