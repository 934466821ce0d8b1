// SPDX-License-Identifier: Apache-2.0
// Which responses are being fetched right now, so that requests for the same one wait for it instead of asking too.
//
// Thread-safe; on the list of shared objects because a burst of requests for one thing comes on every worker. Only
// requests that found nothing usable come here. Sharded by key; followers are notified with no lock held.
#pragma once

#include <array>
#include <chrono>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>

#include "filters/keyed_hash.hpp"
#include "filters/time.hpp"

namespace fusewire::cache {

// How a fetch ended, for the requests that waited.
enum class Ended : std::uint8_t {
  stored,  // look again
  alone,   // it failed, or its response can't be shared: each request asks the upstream itself, and waits for no other
  vacant,  // its own client has gone, or is slow: another request has to lead
};

class Follower {
 public:
  virtual ~Follower() = default;
  // Called once, on the leader's thread.
  virtual void fetch_ended(Ended) noexcept = 0;
};

class RequestCollapser {
 public:
  // The right, and the duty, to fetch. Ends as `vacant` unless end() says otherwise. Must not outlive its table.
  // Where several lead, the first response or failure speaks for all; where one of them leaves, another may lead at
  // once.
  class Lead {
   public:
    Lead(Lead&&) noexcept;
    Lead& operator=(Lead&&) = delete;
    ~Lead() { end(Ended::vacant); }
    // The first one counts. False: it does not, or another leader has ended this fetch before.
    bool end(Ended) noexcept;
    const std::string& key() const noexcept { return key_; }

   private:
    friend class RequestCollapser;
    Lead(RequestCollapser& fetches, std::string key, std::uint64_t fetch) noexcept
        : fetches_(&fetches), key_(std::move(key)), fetch_(fetch) {}
    RequestCollapser* fetches_;  // nullptr: it has ended
    std::string key_;
    std::uint64_t fetch_;
  };

  // A follower's place. One that leaves before the fetch has ended is forgotten. Must not outlive its table.
  class Place {
   public:
    Place(Place&&) noexcept;
    Place& operator=(Place&&) = delete;
    ~Place();

   private:
    friend class RequestCollapser;
    Place(RequestCollapser& fetches, std::string key, std::uint64_t number) noexcept
        : fetches_(&fetches), key_(std::move(key)), number_(number) {}
    RequestCollapser* fetches_;
    std::string key_;
    std::uint64_t number_;
  };

  // Clients choose the keys: a serving process gives it a random one for their hashes.
  explicit RequestCollapser(HashKey key = {}) : hash_(key) {
    for (Shard& shard : shards_) shard.led = Led(0, hash_);
  }

  // nullopt: another request leads. Each time that `patience` has passed one more may lead beside it, so that what only
  // one client's request says does not keep all others waiting: one that `has_waited`, or a new one where none waits.
  std::optional<Lead> lead(const std::string& key, Time now, std::chrono::milliseconds patience, bool has_waited);
  // nullopt: that fetch has ended meanwhile.
  std::optional<Place> follow(const std::string& key, std::shared_ptr<Follower>);

  // Notes a response that could not be shared, or did not come: until then no request waits for the next one, or asks
  // for it in the background. Remembered by hash, in few places: a mark may give way to another one.
  void mark_unshareable(std::string_view key, Time until) noexcept;
  void mark_shareable(std::string_view key) noexcept;
  bool is_unshareable(std::string_view key, Time now) noexcept;
  // Whether a request in the background may lead.
  bool may_refresh(const std::string& key, Time now, std::chrono::milliseconds patience);

 private:
  static constexpr std::size_t kShards = 16;
  static constexpr std::size_t kMarks = 64;

  struct Fetch {
    std::uint64_t id = 0;
    Time last_lead{};
    unsigned leads = 0;
    std::map<std::uint64_t, std::shared_ptr<Follower>> followers;  // in the order in which they came
  };
  struct Mark {
    std::size_t hash = 0;
    Time until{};
  };
  using Led = std::unordered_map<std::string, Fetch, KeyedHash, std::equal_to<>>;
  struct alignas(64) Shard {
    std::mutex mutex;
    Led led{0, KeyedHash({})};
    std::uint64_t count = 0;  // of fetches and followers: each has a number of its own
    std::array<Mark, kMarks> marks{};
  };

  Shard& shard_of(std::string_view key) noexcept { return shards_[hash_(key) % kShards]; }
  // Whether one more may lead beside those that do.
  static bool may_join(const Fetch&, Time now, std::chrono::milliseconds patience, bool has_waited);
  static bool is_marked(Shard&, std::size_t hash, Time now) noexcept;
  static Mark& mark_of(Shard& shard, std::size_t hash) noexcept { return shard.marks[hash / kShards % kMarks]; }

  const KeyedHash hash_;
  std::array<Shard, kShards> shards_;
};

}  // namespace fusewire::cache
