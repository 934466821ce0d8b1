// SPDX-License-Identifier: Apache-2.0
#include "proxy/upstream/dns_cache.hpp"

#include <algorithm>
#include <condition_variable>
#include <iterator>
#include <mutex>
#include <random>
#include <set>
#include <system_error>
#include <thread>
#include <unordered_map>
#include <utility>

#include "proxy/observe/log.hpp"

namespace fusewire::proxy {

namespace {

using Clock = std::chrono::steady_clock;
using std::chrono::milliseconds;

constexpr std::size_t kMaxThreads = 128;
constexpr std::size_t kMaxQuick = 32;         // look-ups at a time that have not run for kHangs yet
constexpr milliseconds kHangs{250};           // a look-up that runs for longer keeps its thread, and no other from it
constexpr std::size_t kMaxSlow = 16;          // look-ups at a time of names whose last one was slow
constexpr milliseconds kSlow{1000};           // a look-up that takes longer
constexpr milliseconds kFirstRetry{1000};     // after a failure; doubled with each one
constexpr milliseconds kMaxWithoutAny{5000};  // between two tries while no address is known at all
constexpr double kEarliest = 0.9;             // of dns_refresh: sidecars that start together spread out

// After the n-th failure in a row.
milliseconds retry_after(unsigned failures, milliseconds refresh, bool knows_any) {
  const milliseconds most = knows_any ? refresh : std::min(refresh, kMaxWithoutAny);
  return std::min(most, kFirstRetry * (1 << std::min(failures - 1, 10U)));
}

}  // namespace

struct DnsCache::Shared : std::enable_shared_from_this<Shared> {
  using Addresses = std::vector<SocketAddress>;
  struct Entry {
    std::weak_ptr<EndpointState> endpoint;
    milliseconds refresh{};
    std::shared_ptr<const Addresses> known = std::make_shared<const Addresses>();
    Clock::time_point due{};  // where it is scheduled; else when it would have been
    bool scheduled = false;
    bool running = false;
    bool slow = false;
    bool was_cut = false;
    unsigned failures = 0;  // in a row
  };
  using Entries = std::unordered_map<std::size_t, Entry>;  // by EndpointState::id
  using Schedule = std::set<std::pair<Clock::time_point, std::size_t>>;

  void request_lookup(const std::shared_ptr<EndpointState>&, milliseconds refresh, Clock::time_point now);
  void schedule_at(std::size_t id, Entry&, Clock::time_point);
  Schedule::iterator first_allowed();
  Clock::time_point room_at(Clock::time_point now) const;
  void need_thread();
  void work();
  void look_up(std::unique_lock<std::mutex>&, std::size_t id);
  void on_resolved(std::size_t id, Entry&, EndpointState&, Resolved, Clock::time_point now);
  void log_change(const Entry&, const EndpointState&, const Resolved&) const;
  void forget_gone();

  Resolver resolver;
  Publish publish;
  std::mutex mutex;  // guards all below
  std::condition_variable news;
  Entries entries;
  Schedule schedule;
  std::mt19937 random{std::random_device{}()};
  std::size_t threads = 0;
  std::size_t waiting = 0;  // of the threads: 0 or 1
  std::size_t slow_running = 0;
  std::multiset<Clock::time_point> begun;  // of the look-ups that run
  bool stopped = false;
};

DnsCache::DnsCache(Resolver resolver, Publish publish) : shared_(std::make_shared<Shared>()) {
  shared_->resolver = std::move(resolver);
  shared_->publish = std::move(publish);
}

DnsCache::~DnsCache() { stop(); }

void DnsCache::stop() {
  const std::lock_guard lock(shared_->mutex);
  shared_->stopped = true;
  shared_->news.notify_all();
}

void DnsCache::request_lookup(const std::shared_ptr<EndpointState>& endpoint, milliseconds refresh) {
  const std::lock_guard lock(shared_->mutex);
  if (!shared_->stopped) shared_->request_lookup(endpoint, refresh, Clock::now());
}

void DnsCache::Shared::request_lookup(const std::shared_ptr<EndpointState>& endpoint, milliseconds refresh,
                                      Clock::time_point now) {
  if (!entries.contains(endpoint->id)) forget_gone();
  Entry& entry = entries[endpoint->id];
  endpoint->in_use.store(true, std::memory_order_relaxed);
  entry.endpoint = endpoint;
  entry.refresh = refresh;
  if (!entry.running && !entry.scheduled) schedule_at(endpoint->id, entry, std::max(entry.due, now));
  need_thread();
  const bool fails = !entry.running && entry.due > now;
  if (fails || !entry.known->empty()) publish({endpoint->id, entry.known, entry.due});
}

// ------------------------------------------------------------------------------------------------------ the schedule

void DnsCache::Shared::schedule_at(std::size_t id, Entry& entry, Clock::time_point due) {
  entry.due = due;
  entry.scheduled = true;
  schedule.emplace(due, id);
  if (waiting > 0)
    news.notify_one();
  else
    need_thread();
}

// Names that were slow never take all the threads.
DnsCache::Shared::Schedule::iterator DnsCache::Shared::first_allowed() {
  return std::find_if(schedule.begin(), schedule.end(),
                      [&](const auto& item) { return slow_running < kMaxSlow || !entries.at(item.second).slow; });
}

// When one more look-up may begin: those that hang, of names never heard of before, would else keep all others waiting.
Clock::time_point DnsCache::Shared::room_at(Clock::time_point now) const {
  auto quick = begun.upper_bound(now - kHangs);
  const auto count = static_cast<std::size_t>(std::distance(quick, begun.end()));
  if (count < kMaxQuick) return now;
  std::advance(quick, count - kMaxQuick);
  return *quick + kHangs;
}

void DnsCache::Shared::need_thread() {
  if (waiting > 0 || threads == kMaxThreads || schedule.empty()) return;
  try {
    std::thread([self = shared_from_this()] { self->work(); }).detach();
    ++threads;
  } catch (const std::system_error& error) {
    log::error("DNS: cannot start a lookup thread", {{"error", error.what()}});
  }
}

// One thread waits for what falls due next; those beside it end when they have nothing to do.
void DnsCache::Shared::work() {
  std::unique_lock lock(mutex);
  while (!stopped) {
    const auto next = first_allowed();
    const auto now = Clock::now();
    // A copy: what is scheduled may be gone when the wait ends.
    const Clock::time_point due =
        next != schedule.end() ? std::max(next->first, room_at(now)) : Clock::time_point::max();
    if (due <= now) {
      const std::size_t id = next->second;
      schedule.erase(next);
      look_up(lock, id);
      continue;
    }
    if (waiting > 0) break;
    ++waiting;
    if (next == schedule.end())
      news.wait(lock);
    else
      news.wait_until(lock, due);
    --waiting;
  }
  --threads;
}

void DnsCache::Shared::look_up(std::unique_lock<std::mutex>& lock, std::size_t id) {
  Entry& entry = entries.at(id);
  entry.scheduled = false;
  const auto endpoint = entry.endpoint.lock();
  const bool in_use =
      endpoint && (endpoint->in_use.exchange(false, std::memory_order_relaxed) || endpoint->upstream->connections > 0);
  if (!in_use) return;  // until it is wanted again
  entry.running = true;
  const bool slow = entry.slow;
  if (slow) ++slow_running;
  const auto begin = Clock::now();
  const auto running = begun.insert(begin);
  need_thread();
  lock.unlock();
  Resolved found = resolver(endpoint->address.host, endpoint->address.port);
  const auto end = Clock::now();
  lock.lock();
  if (slow) --slow_running;
  begun.erase(running);
  entry.running = false;  // nothing that runs is forgotten
  entry.slow = end - begin > kSlow;
  if (!stopped) on_resolved(id, entry, *endpoint, std::move(found), end);
}

// What was known stays known when a look-up fails.
void DnsCache::Shared::on_resolved(std::size_t id, Entry& entry, EndpointState& endpoint, Resolved found,
                                   Clock::time_point now) {
  log_change(entry, endpoint, found);
  const bool good = !found.addresses.empty();
  entry.was_cut = found.cut;
  entry.failures = good ? 0 : entry.failures + 1;
  if (good) entry.known = std::make_shared<const Addresses>(std::move(found.addresses));
  LookUpRecord::View view{.addresses = {}, .at = std::chrono::system_clock::now(), .error = std::move(found.error)};
  for (const auto& address : *entry.known) view.addresses.push_back(to_string(address));
  endpoint.last_look_up.write(std::move(view));
  const auto jittered = std::chrono::duration_cast<Clock::duration>(
      entry.refresh * std::uniform_real_distribution<double>(kEarliest, 1)(random));
  schedule_at(id, entry, now + (good ? jittered : retry_after(entry.failures, entry.refresh, !entry.known->empty())));
  publish({id, entry.known, entry.due});
}

// A line where something changes, not one a look-up.
void DnsCache::Shared::log_change(const Entry& entry, const EndpointState& endpoint, const Resolved& found) const {
  const std::string_view upstream = endpoint.upstream->name;
  if (found.addresses.empty() && entry.failures == 0)
    log::warn("a name does not resolve", {{"upstream", upstream},
                                          {"endpoint", endpoint.url},
                                          {"error", found.error},
                                          {"addresses_kept", static_cast<std::int64_t>(entry.known->size())}});
  if (!found.addresses.empty() && entry.failures > 0)
    log::info("a name resolves again", {{"upstream", upstream}, {"endpoint", endpoint.url}});
  if (found.cut && !entry.was_cut)
    log::warn("a name has more addresses than are used",
              {{"upstream", upstream}, {"endpoint", endpoint.url}, {"used", static_cast<std::int64_t>(kMaxAddresses)}});
}

void DnsCache::Shared::forget_gone() {
  for (auto it = entries.begin(); it != entries.end();) {
    const auto& [id, entry] = *it;
    if (entry.running || !entry.endpoint.expired()) {
      ++it;
      continue;
    }
    schedule.erase({entry.due, id});
    it = entries.erase(it);
  }
}

}  // namespace fusewire::proxy
