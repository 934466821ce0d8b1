// SPDX-License-Identifier: Apache-2.0
// The stored responses of all upstreams together, bounded in bytes: the least recently used one is evicted first.
//
// Thread-safe; on the list of shared objects because a response that one worker has seen must help every worker's
// clients. Sharded by URI: a look-up takes one short lock and moves one list node; nothing is copied or freed under it,
// but for the request's fields that select among variants: each is read once, up to kMaxSelectingBytes. Invariants:
// stored + reserved bytes <= limit when no call is running; when a reservation succeeds, bodies + reserved <= limit as
// well, which includes bodies that are no longer stored but still being sent; a URI lives in exactly one shard; each
// shard's list is in order of use.
#pragma once

#include <array>
#include <atomic>
#include <cstdint>
#include <functional>
#include <list>
#include <map>
#include <mutex>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "filters/cache/entry.hpp"
#include "filters/cache/invalidations.hpp"
#include "filters/keyed_hash.hpp"

namespace fusewire::cache {

// Control owns it, and it lives as long as the process serves; exchanges reach it by way of their ChainContext. An
// exchange reads now_serial() before it asks the upstream, reserves room while it collects a body, and then calls
// insert(); find() hands out entries that stay valid for as long as they are held, evicted or not.
class Store {
 public:
  // Room held for a body that is being collected. Gives it back when destroyed; must not outlive its store.
  class Reservation {
   public:
    explicit Reservation(Store& store) noexcept : store_(&store) {}
    Reservation(Reservation&&) noexcept;
    ~Reservation() { release(); }

    // Holds `bytes` in all, evicting what is stored. False when so much cannot be had.
    bool grow_to(std::size_t bytes);
    void release() noexcept;

   private:
    Store* store_;
    std::size_t bytes_ = 0;
  };

  // Clients choose the URIs: a serving process gives it a random key.
  explicit Store(std::size_t limit, HashKey key = {}) : invalidations_(key), limit_(limit) {
    for (Shard& shard : shards_) shard.by_uri = ByUri(0, KeyedHash(key));
  }

  // The partition of that name; it is created if there is none.
  std::shared_ptr<Partition> partition(const std::string& name);
  void set_limit(std::size_t bytes);
  std::size_t limit() const noexcept { return limit_.load(std::memory_order_relaxed); }
  std::size_t bytes() const noexcept { return stored_.load(std::memory_order_relaxed); }

  // The newest stored response that this request selects; it becomes the most recently used. `others`: set where
  // nothing is stored for this request, but something is for other ones.
  EntryPtr find(Scope, std::string_view uri, const Fields& request, bool* others = nullptr);

  // Counted for as long as it is in use, stored or not.
  Body body(std::string bytes);

  // An exchange reads it before it asks the upstream, and passes it to insert().
  std::uint64_t now_serial() const noexcept { return invalidations_.serial(); }
  // Replaces what `request` selected before. False when it is larger than the whole limit, or the URI was invalidated
  // after `serial`: the answer may be older than the change.
  bool insert(EntryPtr, const Fields& request, std::uint64_t serial);

  // Forgets all that is stored for a URI of this upstream, whatever the route (RFC 9111 §4.4); without a partition, of
  // all upstreams.
  void invalidate(std::string_view uri, const Partition* of = nullptr);
  // Forgets just this entry, if it is still stored.
  void invalidate(const Entry&);
  // Both return how many entries were removed. A response that is being collected meanwhile will not be stored.
  std::size_t purge();
  std::size_t purge(const Partition&);

 private:
  struct Node {
    EntryPtr entry;
    std::uint64_t used;  // tick of the last use
  };
  using Lru = std::list<Node>;                  // most recently used first
  using Variants = std::vector<Lru::iterator>;  // newest last
  using ByUri = std::unordered_map<std::string, Variants, KeyedHash, std::equal_to<>>;
  struct alignas(64) Shard {
    std::mutex mutex;
    Lru lru;
    ByUri by_uri{0, KeyedHash({})};
    std::atomic<std::uint64_t> oldest{kEmpty};  // the last node's tick, to be read without the lock
  };

  static constexpr std::uint64_t kEmpty = UINT64_MAX;
  static constexpr std::size_t kShards = 16;
  static constexpr std::size_t kMaxVariants = 32;  // per URI; then the least recently used goes

  // Without the key, which costs more: who chooses it gains nothing but company.
  Shard& shard_of(std::string_view uri) noexcept { return shards_[std::hash<std::string_view>{}(uri) % kShards]; }
  std::uint64_t tick() noexcept { return clock_.fetch_add(1, std::memory_order_relaxed); }
  // These three with the shard's mutex held; what they remove is moved into `out`, to be freed after the lock.
  void take_out(Shard&, Lru::iterator, Lru& out);
  void drop_selected(Shard&, Variants&, const Entry& incoming, Presented& request, Lru& out);
  static void publish_oldest(Shard&) noexcept;

  template <class Doomed>
  std::size_t remove_if(Doomed&&);
  bool reserve(std::size_t more);
  void make_room();
  bool evict_one();

  std::array<Shard, kShards> shards_;
  Invalidations invalidations_;
  std::atomic<std::uint64_t> clock_{0};
  std::atomic<std::size_t> limit_;
  std::atomic<std::size_t> stored_{0};
  std::atomic<std::size_t> reserved_{0};
  std::shared_ptr<std::atomic<std::size_t>> bodies_ = std::make_shared<std::atomic<std::size_t>>(0);  // bytes alive
  std::mutex partitions_mutex_;
  std::map<std::string, std::shared_ptr<Partition>> partitions_;
};

}  // namespace fusewire::cache
