// SPDX-License-Identifier: Apache-2.0
#include "filters/cache/store.hpp"

#include <doctest/doctest.h>

#include "tests/unit/filters/stored.hpp"

using namespace fusewire;
using namespace fusewire::cache;
using namespace fusewire::test;

namespace {

constexpr std::size_t kBody = 10000;

struct Fixture {
  Store store{1 << 20};
  std::shared_ptr<Partition> orders = store.partition("orders");
  std::shared_ptr<Partition> users = store.partition("users");

  EntryPtr make(std::string_view target, std::size_t size = kBody, std::shared_ptr<Partition> partition = nullptr) {
    return entry_of(partition ? partition : orders, get(target), ok(), std::string(size, 'x'));
  }
  bool put(std::string_view target, std::size_t size = kBody, std::shared_ptr<Partition> partition = nullptr) {
    return store.insert(make(target, size, std::move(partition)), {}, store.now_serial());
  }
  bool has(std::string_view target, FieldPairs fields = {}) {
    return store.find(*orders, uri_key(get(target)), make_fields(fields)) != nullptr;
  }
};

}  // namespace

TEST_CASE_FIXTURE(Fixture, "what was stored is found, by URI and upstream") {
  CHECK(put("/a"));
  CHECK(has("/a"));
  CHECK_FALSE(has("/b"));
  CHECK_FALSE(store.find(*users, uri_key(get("/a")), {}));
}

TEST_CASE_FIXTURE(Fixture, "a newer response takes the place of the one it is selected like") {
  put("/a", 100);
  put("/a", 200);
  CHECK(store.find(*orders, uri_key(get("/a")), {})->body->size() == 200);
  CHECK(orders->entries() == 1);
}

TEST_CASE_FIXTURE(Fixture, "two upstreams keep their own response for one URI") {
  put("/a", 100);
  put("/a", 200, users);
  CHECK(store.find(*orders, uri_key(get("/a")), {})->body->size() == 100);
  CHECK(store.find(*users, uri_key(get("/a")), {})->body->size() == 200);
}

TEST_CASE_FIXTURE(Fixture,
                  "what is stored is found in its own scope alone, and replaced there alone, but invalidated in all") {
  const Request request = get("/a");
  const Response response = ok();
  const auto scoped = [&](std::uint64_t generation, std::string_view route, std::string text) {
    const Freshness freshness =
        freshness_of(response, response_directives(response.fields), {kStart, kStart, kWall}, 0.1).value();
    const auto body = std::make_shared<const std::string>(std::move(text));
    store.insert(make_entry({orders, uri_key(request), request, response, freshness, kWall, generation, route}, body),
                 {}, store.now_serial());
  };
  const auto found = [&](std::uint64_t generation, std::string_view route) {
    const EntryPtr entry = store.find({*orders, generation, route}, uri_key(request), {});
    return entry ? *entry->body : "nothing";
  };
  scoped(1, "", "one");
  CHECK(found(0, "") == "nothing");
  CHECK(found(1, "r") == "nothing");
  scoped(2, "", "two");
  scoped(1, "r", "by r");
  scoped(1, "", "one again");
  CHECK(found(1, "") == "one again");
  CHECK(found(2, "") == "two");
  CHECK(found(1, "r") == "by r");
  CHECK(orders->entries() == 3);
  store.invalidate(uri_key(request));
  CHECK(orders->entries() == 0);
}

TEST_CASE_FIXTURE(Fixture, "variants live side by side, each found by its own request") {
  const auto put_variant = [&](std::string_view language, std::string body) {
    const Request request = get("/a", {{"Accept-Language", language}});
    const Response response = ok({{"Cache-Control", "max-age=60"}, {"Vary", "accept-language"}});
    store.insert(entry_of(orders, request, response, std::move(body)), request.fields, store.now_serial());
  };
  put_variant("de", "hallo");
  put_variant("en", "hello");
  put_variant("de", "guten tag");
  const std::string uri = uri_key(get("/a"));
  CHECK(*store.find(*orders, uri, make_fields({{"Accept-Language", "de"}}))->body == "guten tag");
  CHECK(*store.find(*orders, uri, make_fields({{"Accept-Language", "en"}}))->body == "hello");
  CHECK_FALSE(has("/a", {{"Accept-Language", "fr"}}));
  CHECK_FALSE(has("/a"));
  CHECK(orders->entries() == 2);
}

TEST_CASE_FIXTURE(Fixture, "a URI has at most 32 variants; the least recently used goes") {
  for (int i = 0; i < 40; ++i) {
    if (i == 32) CHECK(has("/a", {{"X-Tenant", "0"}}));
    const std::string tenant = std::to_string(i);
    const Request request = get("/a", {{"X-Tenant", tenant}});
    const Response response = ok({{"Cache-Control", "max-age=60"}, {"Vary", "x-tenant"}});
    store.insert(entry_of(orders, request, response, "x"), request.fields, store.now_serial());
  }
  CHECK(orders->entries() == 32);
  CHECK(orders->events(Event::evict) == 8);
  CHECK(has("/a", {{"X-Tenant", "0"}}));
  CHECK_FALSE(has("/a", {{"X-Tenant", "1"}}));
  CHECK_FALSE(has("/a", {{"X-Tenant", "8"}}));
  CHECK(has("/a", {{"X-Tenant", "9"}}));
}

TEST_CASE_FIXTURE(Fixture, "the least recently used goes first, over all upstreams and shards") {
  const std::size_t cost = make("/0")->cost;
  store.set_limit(cost * 10 + cost / 2);
  for (int i = 0; i < 10; ++i) put("/" + std::to_string(i), kBody, i % 2 == 0 ? orders : users);
  CHECK(has("/0"));  // used again: now /1 is the oldest
  put("/10");
  CHECK_FALSE(store.find(*users, uri_key(get("/1")), {}));
  CHECK(users->events(Event::evict) == 1);
  CHECK(has("/0"));
  put("/11");
  CHECK_FALSE(has("/2"));
  CHECK(orders->events(Event::evict) == 1);
  CHECK(orders->entries() + users->entries() == 10);
}

TEST_CASE_FIXTURE(Fixture, "bytes never exceed the limit, and counts agree") {
  store.set_limit(100000);
  for (int i = 0; i < 200; ++i) {
    put("/" + std::to_string(i * 7 % 50), static_cast<std::size_t>(i * 131 % 20000), i % 3 == 0 ? users : orders);
    REQUIRE(store.bytes() <= 100000);
    REQUIRE(store.bytes() == orders->bytes() + users->bytes());
  }
}

TEST_CASE_FIXTURE(Fixture, "an object larger than all of the memory is refused and evicts nothing") {
  store.set_limit(50000);
  put("/a");
  CHECK_FALSE(put("/huge", 60000));
  CHECK(has("/a"));
}

TEST_CASE_FIXTURE(Fixture, "a smaller limit evicts at once; none at all stores nothing") {
  for (int i = 0; i < 10; ++i) put("/" + std::to_string(i));
  store.set_limit(30000);
  CHECK(store.bytes() <= 30000);
  CHECK(has("/9"));
  CHECK_FALSE(has("/0"));
  store.set_limit(0);
  CHECK(store.bytes() == 0);
  CHECK_FALSE(put("/a", 0));
}

TEST_CASE_FIXTURE(Fixture, "invalidation takes all variants of all upstreams, and nothing else") {
  put("/a");
  put("/a", kBody, users);
  put("/b");
  store.invalidate(uri_key(get("/a")));
  CHECK_FALSE(has("/a"));
  CHECK_FALSE(store.find(*users, uri_key(get("/a")), {}));
  CHECK(has("/b"));
  CHECK(orders->events(Event::invalidate) == 1);
  CHECK(users->events(Event::invalidate) == 1);
  store.invalidate(uri_key(get("/none")));
  CHECK(orders->events(Event::invalidate) == 1);
}

TEST_CASE_FIXTURE(Fixture, "one entry is invalidated only while it is the one that is stored") {
  put("/a", 100);
  const EntryPtr old = store.find(*orders, uri_key(get("/a")), {});
  put("/a", 200);
  store.invalidate(*old);
  CHECK(has("/a"));
  store.invalidate(*store.find(*orders, uri_key(get("/a")), {}));
  CHECK_FALSE(has("/a"));
  store.invalidate(*old);
  CHECK(orders->events(Event::invalidate) == 1);
}

TEST_CASE_FIXTURE(Fixture, "an answer asked for before an invalidation is not stored after it") {
  const std::uint64_t before = store.now_serial();
  store.invalidate(uri_key(get("/a")));
  CHECK_FALSE(store.insert(make("/a"), {}, before));
  CHECK(store.insert(make("/b"), {}, before));
  CHECK(store.insert(make("/a"), {}, store.now_serial()));
}

TEST_CASE_FIXTURE(Fixture,
                  "however many other URIs are invalidated meanwhile, an answer is stored, and a changed one is not") {
  const std::uint64_t before = store.now_serial();
  store.invalidate(uri_key(get("/b")));
  for (int i = 0; i < 300; ++i) store.invalidate("http://shop.test/other" + std::to_string(i));
  CHECK(store.insert(make("/a"), {}, before));
  CHECK_FALSE(store.insert(make("/b"), {}, before));
}

TEST_CASE_FIXTURE(Fixture, "what one upstream's client changes keeps no answer of another one out") {
  const EntryPtr theirs = make("/a", kBody, users);
  const std::uint64_t asked = store.now_serial();
  store.invalidate(uri_key(get("/a")), orders.get());
  CHECK(store.insert(theirs, {}, asked));
  store.invalidate(uri_key(get("/a")), users.get());
  CHECK_FALSE(store.insert(theirs, {}, asked));
}

TEST_CASE_FIXTURE(Fixture, "a purge takes one upstream's or everything, and what was under way is not stored") {
  put("/a");
  put("/b", kBody, users);
  const std::uint64_t before = store.now_serial();
  CHECK(store.purge(*orders) == 1);
  CHECK_FALSE(has("/a"));
  CHECK(users->entries() == 1);
  CHECK_FALSE(store.insert(make("/a"), {}, before));
  CHECK(store.purge() == 1);
  CHECK(store.bytes() == 0);
}

TEST_CASE_FIXTURE(Fixture, "an upstream's partition is kept by name, its counters too") {
  orders->count(Event::hit);
  CHECK(store.partition("orders") == orders);
  CHECK(store.partition("orders")->events(Event::hit) == 1);
  CHECK(orders->name() == "orders");
}

TEST_CASE_FIXTURE(Fixture, "an entry that is being sent outlives its eviction") {
  put("/a");
  const EntryPtr held = store.find(*orders, uri_key(get("/a")), {});
  store.purge();
  CHECK(held->body->size() == kBody);
}

TEST_CASE_FIXTURE(Fixture, "what is being collected counts against the limit and makes room") {
  store.set_limit(50000);
  put("/a");
  put("/b");
  {
    Store::Reservation room(store);
    CHECK(room.grow_to(20000));
    CHECK(has("/b"));
    CHECK(room.grow_to(35000));
    CHECK_FALSE(has("/a"));
    CHECK(room.grow_to(100));  // less than it has: nothing to do
    CHECK_FALSE(room.grow_to(60000));
    Store::Reservation other(store);
    CHECK_FALSE(other.grow_to(20000));
  }
  Store::Reservation after(store);
  CHECK(after.grow_to(50000));
}

TEST_CASE_FIXTURE(Fixture, "a reservation that is moved is given back once") {
  store.set_limit(1000);
  Store::Reservation first(store);
  CHECK(first.grow_to(1000));
  Store::Reservation second(std::move(first));
  second.release();
  second.release();
  Store::Reservation third(store);
  CHECK(third.grow_to(1000));
}

TEST_CASE_FIXTURE(Fixture, "a body that is stored no longer counts for as long as it is being sent") {
  store.set_limit(50000);
  Body sent = store.body(std::string(30000, 'x'));
  Store::Reservation room(store);
  CHECK_FALSE(room.grow_to(30000));
  CHECK(room.grow_to(15000));
  sent.reset();
  CHECK(room.grow_to(30000));
}
