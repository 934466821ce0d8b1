// SPDX-License-Identifier: Apache-2.0
#include "filters/cache/cache_lookup.hpp"

#include <utility>

#include "filters/cache/conditional.hpp"
#include "filters/cache/storable.hpp"

namespace fusewire {
namespace {

using cache::CacheStatus;
using cache::Ended;
using cache::EntryPtr;
using cache::Event;

// A response that could not be shared probably cannot be next time: requests for it are not collapsed for 30 s. After a
// failure, background refreshes are held back for 1 s.
constexpr std::chrono::seconds kUnshareable{30};
constexpr std::chrono::seconds kFailed{1};

constexpr cache::StaleRule kWhileValidating{.while_validating = true};

Reply answer_with(Exchange& x, EntryPtr entry, CacheStatus status, Time now) {
  status.ttl = entry->freshness.ttl(now);
  x.set(entry->freshness.fresh(now) || status.forwarded ? Flag::cache_hit : Flag::cache_stale);
  return cache::answer(x, std::move(entry), status.text(), now);
}

}  // namespace

std::optional<Reply> CacheLookup::on_request(Exchange& x, Time now) {
  const Request& request = *x.request;
  const Hold before = std::exchange(x.hold, Hold::none);
  if (!request.is_get_or_head()) {
    why_ = cache::Forward::method;
    return std::nullopt;
  }
  if (before == Hold::none) asked_ = cache::request_directives(request.fields);
  if (!cache::is_answerable(request) || request.fields.find("upgrade")) {
    why_ = cache::Forward::bypass;
    return unless_cached_only(x);
  }
  if (before == Hold::none) {
    uri_ = cache::uri_key(request);
    fetch_.clear();
  }
  bool others = false;
  EntryPtr entry = context_->store->find(cache::scope_of(*context_, x), uri_, request.fields, &others);
  if (x.background) return ask_behind(x, std::move(entry), now);
  if (entry)
    if (auto reply = from_store(x, entry, before, now)) return reply;
  if (auto reply = unless_cached_only(x)) return reply;
  if (before == Hold::none) {
    why_ = others ? cache::Forward::vary_miss : cache::Forward::uri_miss;
    if (entry) why_ = entry->freshness.fresh(now) ? cache::Forward::request : cache::Forward::stale;
  }
  go_upstream(x, std::move(entry), before, now);
  return std::nullopt;
}

// 504 where the client wants nothing that is not stored (RFC 9111 §5.2.1.7).
std::optional<Reply> CacheLookup::unless_cached_only(Exchange& x) const {
  if (!asked_.only_if_cached) return std::nullopt;
  context_->cache_partition->count(Event::miss);
  x.outcome = Outcome::local;
  return cache::not_cached();
}

// For a refresh any reply is an end: what it was to renew is fresh by now, or somebody else is at it.
std::optional<Reply> CacheLookup::ask_behind(Exchange& x, EntryPtr entry, Time now) {
  if (entry && entry->freshness.fresh(now)) return cache::not_cached();
  auto lead = context_->fetches->lead(fetch_key(x));
  if (!lead) return cache::not_cached();
  lead_.emplace(std::move(*lead));
  why_ = cache::Forward::stale;
  ask_about(x, std::move(entry));
  return std::nullopt;
}

// What needs no asking. Stale answers: as the client's max-stale, or the origin's stale-while-revalidate, allows.
std::optional<Reply> CacheLookup::from_store(Exchange& x, const EntryPtr& entry, Hold before, Time now) {
  const bool collapsed = before != Hold::none;
  CacheStatus status;
  if (collapsed) status.forwarded = why_;
  status.collapsed = collapsed;
  if (!cache::may_answer(asked_, entry->freshness, {}, now)) {
    if (!cache::may_answer(asked_, entry->freshness, kWhileValidating, now)) return std::nullopt;
    const bool wanted = !asked_.no_store && !asked_.only_if_cached;
    const Fields& fields = x.request->fields;
    const bool storable =
        (!fields.find("authorization") || cache::is_for_all(cache::response_directives(entry->fields))) &&
        (!fields.find("cookie") || entry->freshness.is_explicit);
    x.refresh = wanted && storable && context_->fetches->may_refresh(fetch_key(x), now);
    status.detail = "stale-while-revalidate";
  }
  x.outcome = Outcome::local;
  const bool fresh = entry->freshness.fresh(now);
  context_->cache_partition->count(collapsed ? Event::collapse : fresh ? Event::hit : Event::stale);
  return answer_with(x, entry, status, now);
}

// With the conditions of what is stored, and alone or for others too.
void CacheLookup::go_upstream(Exchange& x, EntryPtr entry, Hold before, Time now) {
  if (before != Hold::alone && may_share(x, entry.get())) share(x, now);
  if (x.hold != Hold::wait) ask_about(x, std::move(entry));
}

void CacheLookup::ask_about(Exchange& x, EntryPtr entry) {
  if (entry && x.request->method == "GET" && !x.connection_bound) x.conditions = cache::conditions_for(*entry);
  if (!x.conditions.empty()) entry_ = std::move(entry);
  context_->cache_partition->count(entry_ ? Event::validate : Event::miss);
}

// Whether what this request fetches can answer others, as far as can be known before it is there.
bool CacheLookup::may_share(const Exchange& x, const cache::Entry* entry) const {
  const Fields& fields = x.request->fields;
  if (!cache::is_plain_get(*x.request) || why_ == cache::Forward::request || asked_.no_store) return false;
  if (x.connection_bound) return false;
  if (fields.find("range") || fields.find("authorization")) return false;
  if (entry != nullptr && !entry->freshness.shareable()) return false;
  const bool replaced = entry != nullptr && !cache::conditions_for(*entry).empty();
  return replaced || !(fields.find("if-none-match") || fields.find("if-modified-since"));
}

// The scope and the URI. Of the scope's last part, which may hold anything, the length comes first.
const std::string& CacheLookup::fetch_key(const Exchange& x) {
  if (!fetch_.empty()) return fetch_;
  fetch_ = context_->cache_partition->name() + ' ' + std::to_string(context_->cache_generation) + ' ';
  if (!x.cache_scope.empty()) fetch_.append(std::to_string(x.cache_scope.size())).append(" ").append(x.cache_scope);
  return fetch_ += uri_;
}

void CacheLookup::share(Exchange& x, Time now) {
  cache::RequestCollapser& fetches = *context_->fetches;
  if (fetches.is_unshareable(fetch_key(x), now)) return;
  if (auto lead = fetches.lead(fetch_))
    lead_.emplace(std::move(*lead));
  else if (!asked_.wants_validation())  // what was asked for before it came would not do
    x.hold = Hold::wait;
}

bool CacheLookup::follow(std::shared_ptr<cache::Follower> follower) {
  return context_->fetches->follow(fetch_, std::move(follower));
}

Reply CacheLookup::on_validated(Exchange& x, EntryPtr fresh, Time now) {
  return answer_with(x, std::move(fresh), {.forwarded = why_, .fwd_status = 304}, now);
}

void CacheLookup::on_relay(const Exchange& x, Reply& reply, const cache::Freshness* remembered, Time now) {
  CacheStatus status{.forwarded = why_, .stored = remembered != nullptr};
  if (remembered != nullptr) status.ttl = remembered->ttl(now);
  reply.extra_fields.append("Cache-Status: ").append(status.text()).append("\r\n");
  if (fetch_.empty()) return;
  if (remembered != nullptr && remembered->shareable()) return context_->fetches->mark_shareable(fetch_);
  if (!lead_) return;
  const bool failed = x.response->status >= 500;
  if (!failed || x.background) context_->fetches->mark_unshareable(fetch_, now + (failed ? kFailed : kUnshareable));
  end(Ended::alone);
}

void CacheLookup::on_given_up(const Exchange& x) {
  if (lead_) context_->fetches->mark_unshareable(fetch_, x.response_head + kUnshareable);
  end(Ended::alone);
}

void CacheLookup::on_done(const Exchange& x, bool stored, Time now) noexcept {
  const bool failed = x.background && !stored && !is_forsaken(x.outcome) && x.response == nullptr;
  if (failed && lead_) context_->fetches->mark_unshareable(fetch_, now + kFailed);
  // A leader whose own deadline is over has left, too: the next one asks for all.
  const bool left = is_forsaken(x.outcome) || (x.outcome == Outcome::total_timeout && x.short_deadline);
  end(stored ? Ended::stored : left ? Ended::vacant : Ended::alone);
}

void CacheLookup::end(Ended how) noexcept {
  if (lead_) lead_->end(how);
}

}  // namespace fusewire
