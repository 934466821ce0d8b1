// SPDX-License-Identifier: Apache-2.0
// The cache store under several threads that store, read, invalidate, purge and resize at once. Run under TSan.
#include <doctest/doctest.h>

#include <atomic>
#include <string>
#include <thread>
#include <vector>

#include "filters/cache/store.hpp"

using namespace fusewire;
using namespace fusewire::cache;

namespace {

constexpr int kThreads = 6;
constexpr int kRounds = 3000;
constexpr std::size_t kLimit = 200000;

// A small generator of its own for each thread, so that a run needs no shared state but the store's.
class Dice {
 public:
  explicit Dice(unsigned seed) : state_(seed * 2654435761U + 1) {}
  unsigned roll(unsigned sides) {
    state_ = state_ * 1664525U + 1013904223U;
    return (state_ >> 8) % sides;
  }

 private:
  unsigned state_;
};

// The body says which URI it belongs to, so that a reader can tell a mix-up.
EntryPtr entry_for(const std::shared_ptr<Partition>& partition, std::string uri, std::size_t size) {
  static const Request kRequest;
  Response response;
  response.status = 200;
  const Freshness freshness;
  std::string body = uri + "\n" + std::string(size, 'x');
  return make_entry({partition, std::move(uri), kRequest, response, freshness, HttpTime{}},
                    std::make_shared<const std::string>(std::move(body)));
}

struct Player {
  Store& store;
  std::shared_ptr<Partition> partition;
  std::atomic<int>& mixed_up;

  void play(unsigned seed) {
    Dice dice(seed);
    for (int i = 0; i < kRounds; ++i) turn(dice);
  }

 private:
  void turn(Dice& dice) {
    const std::string uri = "http://shop.test/" + std::to_string(dice.roll(60));
    switch (dice.roll(16)) {
      case 0:
        return store.invalidate(uri);
      case 1:
        return collect(dice);
      case 2:
        if (const EntryPtr entry = store.find(*partition, uri, {})) store.invalidate(*entry);
        return;
      case 3:
      case 4:
      case 5:
      case 6:
      case 7: {
        const std::uint64_t serial = store.now_serial();
        store.insert(entry_for(partition, uri, dice.roll(8000)), {}, serial);
        return;
      }
      default:
        read(uri);
    }
  }

  void read(const std::string& uri) {
    const EntryPtr entry = store.find(*partition, uri, {});
    if (entry && !entry->body->starts_with(uri + "\n")) mixed_up.fetch_add(1);
  }

  void collect(Dice& dice) {
    Store::Reservation room(store);
    if (room.grow_to(dice.roll(20000))) room.grow_to(dice.roll(60000));
  }
};

}  // namespace

TEST_CASE("many threads on one store: no mix-up, the limit holds, and the counts add up at the end") {
  Store store(kLimit);
  std::atomic<int> mixed_up{0};
  std::vector<std::shared_ptr<Partition>> partitions;
  {
    std::vector<std::jthread> threads;
    for (int i = 0; i < kThreads; ++i) {
      partitions.push_back(store.partition(i % 2 == 0 ? "orders" : "users"));
      threads.emplace_back([&store, &mixed_up, partition = partitions.back(), i] {
        Player{store, partition, mixed_up}.play(static_cast<unsigned>(i));
      });
    }
    threads.emplace_back([&] {
      for (int i = 0; i < 50; ++i) {
        store.purge(*partitions[0]);
        store.set_limit(i % 2 == 0 ? kLimit / 2 : kLimit);
      }
    });
  }
  CHECK(mixed_up == 0);
  CHECK(store.bytes() <= store.limit());
  CHECK(store.bytes() == partitions[0]->bytes() + partitions[1]->bytes());
  CHECK(store.purge() > 0);
  CHECK(store.bytes() == 0);
  CHECK(partitions[0]->entries() + partitions[1]->entries() == 0);
  Store::Reservation all(store);
  CHECK(all.grow_to(store.limit()));
}
