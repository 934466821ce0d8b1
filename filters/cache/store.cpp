// SPDX-License-Identifier: Apache-2.0
#include "filters/cache/store.hpp"

#include <algorithm>
#include <utility>

namespace fusewire::cache {
namespace {

struct Counted {
  Counted(std::string text, std::shared_ptr<std::atomic<std::size_t>> total)
      : bytes(std::move(text)), all(std::move(total)) {
    all->fetch_add(bytes.capacity(), std::memory_order_relaxed);
  }
  Counted(const Counted&) = delete;
  ~Counted() { all->fetch_sub(bytes.capacity(), std::memory_order_relaxed); }

  const std::string bytes;
  const std::shared_ptr<std::atomic<std::size_t>> all;
};

}  // namespace

// ------------------------------------------------------------------------------------------------- Reservation

Store::Reservation::Reservation(Reservation&& other) noexcept
    : store_(other.store_), bytes_(std::exchange(other.bytes_, 0)) {}

void Store::Reservation::release() noexcept {
  if (bytes_ != 0) store_->reserved_.fetch_sub(std::exchange(bytes_, 0), std::memory_order_relaxed);
}

bool Store::Reservation::grow_to(std::size_t bytes) {
  if (bytes <= bytes_) return true;
  if (!store_->reserve(bytes - bytes_)) return false;
  bytes_ = bytes;
  return true;
}

// ------------------------------------------------------------------------------------------------------- Store

std::shared_ptr<Partition> Store::partition(const std::string& name) {
  const std::lock_guard lock(partitions_mutex_);
  auto& partition = partitions_[name];
  if (!partition) partition = std::make_shared<Partition>(name);
  return partition;
}

void Store::set_limit(std::size_t bytes) {
  limit_.store(bytes, std::memory_order_relaxed);
  make_room();
}

EntryPtr Store::find(Scope scope, std::string_view uri, const Fields& request, bool* others) {
  Presented presented(request);
  Shard& shard = shard_of(uri);
  const std::lock_guard lock(shard.mutex);
  const auto found = shard.by_uri.find(uri);
  if (found == shard.by_uri.end()) return nullptr;
  const Variants& variants = found->second;
  bool any = false;
  const auto newest = std::find_if(variants.rbegin(), variants.rend(), [&](Lru::iterator node) {
    if (node->entry->scope() != scope) return false;
    any = true;
    return presented.is_selecting(node->entry->selecting);
  });
  if (newest == variants.rend()) {
    if (others != nullptr) *others = any;
    return nullptr;
  }
  (*newest)->used = tick();
  shard.lru.splice(shard.lru.begin(), shard.lru, *newest);
  publish_oldest(shard);
  return (*newest)->entry;
}

bool Store::insert(EntryPtr entry, const Fields& request, std::uint64_t serial) {
  const std::size_t cost = entry->cost;
  if (cost > limit()) return false;
  Lru node;
  node.push_back({std::move(entry), 0});
  const Entry& incoming = *node.front().entry;
  Presented presented(request);
  Lru out;
  {
    Shard& shard = shard_of(incoming.uri);
    const std::lock_guard lock(shard.mutex);
    if (invalidations_.since(serial, incoming.uri, incoming.partition.get())) return false;
    Variants& variants = shard.by_uri.try_emplace(incoming.uri).first->second;
    drop_selected(shard, variants, incoming, presented, out);
    variants.push_back(node.begin());
    node.front().used = tick();
    shard.lru.splice(shard.lru.begin(), node);
    publish_oldest(shard);
    stored_.fetch_add(cost, std::memory_order_relaxed);
    incoming.partition->added(cost);
  }
  make_room();
  return true;
}

void Store::invalidate(std::string_view uri, const Partition* of) {
  invalidations_.note(uri, of);
  Lru out;
  Shard& shard = shard_of(uri);
  const std::lock_guard lock(shard.mutex);
  const auto found = shard.by_uri.find(uri);
  if (found == shard.by_uri.end()) return;
  const Variants variants = found->second;
  for (const Lru::iterator node : variants) {
    if (of != nullptr && node->entry->partition.get() != of) continue;
    node->entry->partition->count(Event::invalidate);
    take_out(shard, node, out);
  }
}

void Store::invalidate(const Entry& entry) {
  Lru out;
  Shard& shard = shard_of(entry.uri);
  const std::lock_guard lock(shard.mutex);
  const auto found = shard.by_uri.find(entry.uri);
  if (found == shard.by_uri.end()) return;
  for (const Lru::iterator node : found->second) {
    if (node->entry.get() != &entry) continue;
    entry.partition->count(Event::invalidate);
    return take_out(shard, node, out);
  }
}

std::size_t Store::purge() {
  invalidations_.note_all();
  return remove_if([](const Entry&) { return true; });
}

std::size_t Store::purge(const Partition& partition) {
  invalidations_.note_all();
  return remove_if([&](const Entry& entry) { return entry.partition.get() == &partition; });
}

template <class Doomed>
std::size_t Store::remove_if(Doomed&& doomed) {
  std::size_t removed = 0;
  for (Shard& shard : shards_) {
    Lru out;
    const std::lock_guard lock(shard.mutex);
    for (auto node = shard.lru.begin(); node != shard.lru.end();) {
      const auto next = std::next(node);
      if (doomed(*node->entry)) take_out(shard, node, out);
      node = next;
    }
    removed += out.size();
  }
  return removed;
}

void Store::take_out(Shard& shard, Lru::iterator node, Lru& out) {
  const Entry& entry = *node->entry;
  if (const auto found = shard.by_uri.find(entry.uri); found != shard.by_uri.end()) {
    std::erase(found->second, node);
    if (found->second.empty()) shard.by_uri.erase(found);
  }
  stored_.fetch_sub(entry.cost, std::memory_order_relaxed);
  entry.partition->removed(entry.cost);
  out.splice(out.end(), shard.lru, node);
  publish_oldest(shard);
}

void Store::drop_selected(Shard& shard, Variants& variants, const Entry& incoming, Presented& request, Lru& out) {
  const auto drop = [&](Lru::iterator node) {
    stored_.fetch_sub(node->entry->cost, std::memory_order_relaxed);
    node->entry->partition->removed(node->entry->cost);
    out.splice(out.end(), shard.lru, node);
  };
  std::erase_if(variants, [&](Lru::iterator node) {
    const bool selected = node->entry->scope() == incoming.scope() && request.is_selecting(node->entry->selecting);
    if (selected) drop(node);
    return selected;
  });
  if (variants.size() < kMaxVariants) return;
  const auto oldest = std::min_element(variants.begin(), variants.end(),
                                       [](Lru::iterator a, Lru::iterator b) { return a->used < b->used; });
  (*oldest)->entry->partition->count(Event::evict);
  drop(*oldest);
  variants.erase(oldest);
}

void Store::publish_oldest(Shard& shard) noexcept {
  shard.oldest.store(shard.lru.empty() ? kEmpty : shard.lru.back().used, std::memory_order_relaxed);
}

bool Store::reserve(std::size_t more) {
  const std::size_t before = reserved_.fetch_add(more, std::memory_order_relaxed);
  if (before + more > limit()) {
    reserved_.fetch_sub(more, std::memory_order_relaxed);
    return false;
  }
  make_room();
  // What slow clients are still being sent is memory too, though it is stored no longer.
  if (bodies_->load(std::memory_order_relaxed) + reserved_.load(std::memory_order_relaxed) <= limit()) return true;
  reserved_.fetch_sub(more, std::memory_order_relaxed);
  return false;
}

Body Store::body(std::string bytes) {
  const auto counted = std::make_shared<const Counted>(std::move(bytes), bodies_);
  return {counted, &counted->bytes};
}

void Store::make_room() {
  while (stored_.load(std::memory_order_relaxed) + reserved_.load(std::memory_order_relaxed) > limit())
    if (!evict_one()) return;
}

// The least recently used of all shards: ticks are global. Between look and lock another thread may use it; then a
// node nearly as old goes.
bool Store::evict_one() {
  Shard& shard = *std::min_element(shards_.begin(), shards_.end(), [](const Shard& a, const Shard& b) {
    return a.oldest.load(std::memory_order_relaxed) < b.oldest.load(std::memory_order_relaxed);
  });
  if (shard.oldest.load(std::memory_order_relaxed) == kEmpty) return false;
  Lru out;
  const std::lock_guard lock(shard.mutex);
  if (shard.lru.empty()) return true;
  const auto last = std::prev(shard.lru.end());
  last->entry->partition->count(Event::evict);
  take_out(shard, last, out);
  return true;
}

}  // namespace fusewire::cache
