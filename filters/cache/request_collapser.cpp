// SPDX-License-Identifier: Apache-2.0
#include "filters/cache/request_collapser.hpp"

#include <iterator>
#include <utility>

namespace fusewire::cache {

RequestCollapser::Lead::Lead(Lead&& other) noexcept
    : fetches_(std::exchange(other.fetches_, nullptr)), key_(std::move(other.key_)), fetch_(other.fetch_) {}

bool RequestCollapser::Lead::end(Ended how) noexcept {
  RequestCollapser* const fetches = std::exchange(fetches_, nullptr);
  if (fetches == nullptr) return false;
  std::map<std::uint64_t, std::shared_ptr<Follower>> followers;
  {
    Shard& shard = fetches->shard_of(key_);
    const std::lock_guard lock(shard.mutex);
    const auto found = shard.led.find(key_);
    if (found == shard.led.end() || found->second.id != fetch_) return false;
    Fetch& fetch = found->second;
    if (--fetch.leads > 0 && how == Ended::vacant) {
      fetch.last_lead = Time::min();
      if (!fetch.followers.empty()) followers.insert(fetch.followers.extract(std::prev(fetch.followers.end())));
    } else {
      followers.swap(fetch.followers);
      shard.led.erase(found);
    }
  }
  // The latest arrival is called first: should it lead, it has the most time left to do so.
  // NOLINTNEXTLINE(modernize-loop-convert): clang 14 cannot compile libstdc++'s reverse view
  for (auto follower = followers.rbegin(); follower != followers.rend(); ++follower) follower->second->fetch_ended(how);
  return true;
}

bool RequestCollapser::may_join(const Fetch& fetch, Time now, std::chrono::milliseconds patience, bool has_waited) {
  return fetch.last_lead <= now - patience && (has_waited || fetch.followers.empty());
}

std::optional<RequestCollapser::Lead> RequestCollapser::lead(const std::string& key, Time now,
                                                             std::chrono::milliseconds patience, bool has_waited) {
  std::string own = key;
  Shard& shard = shard_of(key);
  const std::lock_guard lock(shard.mutex);
  const auto [at, is_new] = shard.led.try_emplace(key);
  Fetch& fetch = at->second;
  if (is_new)
    fetch.id = ++shard.count;
  else if (!may_join(fetch, now, patience, has_waited))
    return std::nullopt;
  fetch.last_lead = now;
  ++fetch.leads;
  return Lead(*this, std::move(own), fetch.id);
}

std::optional<RequestCollapser::Place> RequestCollapser::follow(const std::string& key,
                                                                std::shared_ptr<Follower> follower) {
  std::string own = key;
  Shard& shard = shard_of(key);
  const std::lock_guard lock(shard.mutex);
  const auto found = shard.led.find(key);
  if (found == shard.led.end()) return std::nullopt;
  const std::uint64_t number = ++shard.count;
  found->second.followers.emplace(number, std::move(follower));
  return Place(*this, std::move(own), number);
}

RequestCollapser::Place::Place(Place&& other) noexcept
    : fetches_(std::exchange(other.fetches_, nullptr)), key_(std::move(other.key_)), number_(other.number_) {}

RequestCollapser::Place::~Place() {
  if (fetches_ == nullptr) return;
  Shard& shard = fetches_->shard_of(key_);
  const std::lock_guard lock(shard.mutex);
  if (const auto found = shard.led.find(key_); found != shard.led.end()) found->second.followers.erase(number_);
}

void RequestCollapser::mark_unshareable(std::string_view key, Time until) noexcept {
  Shard& shard = shard_of(key);
  const std::lock_guard lock(shard.mutex);
  mark_of(shard, hash_(key)) = {hash_(key), until};
}

void RequestCollapser::mark_shareable(std::string_view key) noexcept {
  Shard& shard = shard_of(key);
  const std::lock_guard lock(shard.mutex);
  if (Mark& mark = mark_of(shard, hash_(key)); mark.hash == hash_(key)) mark = {};
}

bool RequestCollapser::is_marked(Shard& shard, std::size_t hash, Time now) noexcept {
  const Mark& mark = mark_of(shard, hash);
  return mark.hash == hash && now < mark.until;
}

bool RequestCollapser::is_unshareable(std::string_view key, Time now) noexcept {
  Shard& shard = shard_of(key);
  const std::lock_guard lock(shard.mutex);
  return is_marked(shard, hash_(key), now);
}

bool RequestCollapser::may_refresh(const std::string& key, Time now, std::chrono::milliseconds patience) {
  Shard& shard = shard_of(key);
  const std::lock_guard lock(shard.mutex);
  const auto found = shard.led.find(key);
  return found == shard.led.end() || may_join(found->second, now, patience, false);
}

}  // namespace fusewire::cache
