// SPDX-License-Identifier: Apache-2.0
#include "filters/cache/cache_lookup.hpp"

#include <algorithm>
#include <utility>

#include "filters/cache/conditional.hpp"
#include "filters/cache/storable.hpp"
#include "filters/timeout/deadline.hpp"

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

// For so many fetches a request waits (docs/decisions/0010). Where their leaders leave, or are refused, one after the
// other it asks alone then: else a client whose field has it refused slowly, again and again, would keep it for long.
constexpr int kMaxFetches = 2;

constexpr cache::StaleRule kWhileValidating{.while_validating = true};

// A fetch that takes longer is slow by the breaker's own word; but all who wait look again then, and each time that it
// has passed.
std::chrono::milliseconds patience(const Call& call) {
  constexpr std::chrono::milliseconds kLeast = std::chrono::seconds(1);
  return std::max(kLeast, call.circuit_breaker->detection.slow_call_rate.value_or(config::SlowCallRate{}).slower_than);
}

Reply answer_with(Call& call, EntryPtr entry, CacheStatus status, Time now) {
  status.ttl = entry->freshness.ttl(now);
  call.set(entry->freshness.fresh(now) || status.forwarded ? Flag::cache_hit : Flag::cache_stale);
  return cache::answer(call, std::move(entry), status.text(), now);
}

}  // namespace

Step CacheLookup::on_request(Call& call, Reply& reply, Time now) {
  const Request& request = *call.context->request;
  if (!request.is_get_or_head()) {
    why_ = cache::Forward::method;
    return Proceed{};
  }
  const Look look = this->look(call, now);
  stop_following();
  if (look == Look::first) asked_ = cache::request_directives(request.fields);
  if (!cache::is_answerable(request) || request.fields.find("upgrade")) {
    why_ = cache::Forward::bypass;
    if (wants_cached_only(call, reply, now)) return Answer{};
    call.note(Decision::cache_forwarded, now, why_);
    return Proceed{};
  }
  if (look == Look::first) {
    uri_ = cache::uri_key(request);
    fetch_.clear();
  }
  bool others = false;
  EntryPtr entry = context_->store->find(cache::scope_of(*context_, call), uri_, request.fields, &others);
  if (call.context->background) return ask_behind(call, reply, std::move(entry), now);
  if (entry)
    if (const auto answer = from_store(call, reply, entry, look, now)) return *answer;
  if (wants_cached_only(call, reply, now)) return Answer{};
  if (look == Look::first) {
    why_ = others ? cache::Forward::vary_miss : cache::Forward::uri_miss;
    if (entry) why_ = entry->freshness.fresh(now) ? cache::Forward::request : cache::Forward::stale;
  }
  return go_upstream(call, std::move(entry), look, now);
}

// A leader that has left lets somebody else lead, and one that takes too long another one beside it; after any other
// end, or none in time, it is asked alone.
CacheLookup::Look CacheLookup::look(const Call& call, Time now) noexcept {
  if (!has_waited_) return Look::first;
  const auto ended = following_ ? following_->ended() : Ended::vacant;
  if (!ended) return now < waits_until(call) ? Look::again : Look::last;
  return *ended == Ended::vacant && ++fetches_ < kMaxFetches ? Look::again : Look::last;
}

void CacheLookup::stop_following() noexcept {
  place_.reset();
  following_.reset();
}

Time CacheLookup::waits_until(const Call& call) {
  return call.context->started + std::min({call.timeouts->response, total_of(call), 2 * patience(call)});
}

bool CacheLookup::await(std::shared_ptr<Waker> waker) {
  auto following = std::make_shared<Following>(std::move(waker));
  auto place = context_->fetches->follow(fetch_, following);
  if (!place) return false;
  place_.emplace(std::move(*place));
  following_ = std::move(following);
  return true;
}

void CacheLookup::Following::fetch_ended(Ended how) noexcept {
  ended_.store(static_cast<int>(how), std::memory_order_release);
  waker_->wake();
}

std::optional<Ended> CacheLookup::Following::ended() const noexcept {
  const int how = ended_.load(std::memory_order_acquire);
  return how == kNotYet ? std::nullopt : std::optional(static_cast<Ended>(how));
}

// 504 where the client wants nothing that is not stored (RFC 9111 §5.2.1.7).
bool CacheLookup::wants_cached_only(Call& call, Reply& reply, Time now) const {
  if (!asked_.only_if_cached) return false;
  call.note(Decision::cache_has_none, now);
  context_->cache_partition->count(Event::miss);
  call.exchange->outcome = Outcome::local;
  reply = cache::not_cached();
  return true;
}

// For a refresh any reply is an end: what it was to renew is fresh by now, or somebody else is at it.
Step CacheLookup::ask_behind(Call& call, Reply& reply, EntryPtr entry, Time now) {
  const bool renewed = entry && entry->freshness.fresh(now);
  auto lead = renewed ? std::nullopt : context_->fetches->lead(fetch_key(call), now, patience(call), has_waited_);
  if (!lead) {
    reply = cache::not_cached();
    return Answer{};
  }
  lead_.emplace(std::move(*lead));
  why_ = cache::Forward::stale;
  ask_about(call, std::move(entry));
  return Proceed{};
}

// What needs no asking. Stale answers: as the client's max-stale, or the origin's stale-while-revalidate, allows.
std::optional<Answer> CacheLookup::from_store(Call& call, Reply& reply, const EntryPtr& entry, Look look, Time now) {
  const bool collapsed = look != Look::first;
  bool refresh = false;
  CacheStatus status;
  if (collapsed) status.forwarded = why_;
  status.collapsed = collapsed;
  if (!cache::may_answer(asked_, entry->freshness, {}, now)) {
    if (!cache::may_answer(asked_, entry->freshness, kWhileValidating, now)) return std::nullopt;
    const bool wanted = !asked_.no_store && !asked_.only_if_cached;
    const Request& request = *call.context->request;
    const bool storable =
        (!request.fields.find("authorization") || cache::is_for_all(cache::response_directives(entry->fields))) &&
        (!request.has_cookie() || entry->freshness.is_explicit);
    refresh = wanted && storable && !context_->fetches->is_unshareable(fetch_key(call), now) &&
              context_->fetches->may_refresh(fetch_, now, patience(call));
    status.detail = "stale-while-revalidate";
  }
  call.exchange->outcome = Outcome::local;
  const bool fresh = entry->freshness.fresh(now);
  context_->cache_partition->count(collapsed ? Event::collapse : fresh ? Event::hit : Event::stale);
  call.note(Decision::cache_answered, now,
            collapsed ? CacheAnswer::collapsed
            : fresh   ? CacheAnswer::fresh
                      : CacheAnswer::stale,
            0, entry->freshness.age_seconds(now).count());
  if (refresh) call.note(Decision::cache_refreshes, now);
  reply = answer_with(call, entry, status, now);
  return Answer{refresh};
}

// With the conditions of what is stored, and alone or for others too.
Step CacheLookup::go_upstream(Call& call, EntryPtr entry, Look look, Time now) {
  if (look != Look::last && may_share(call, entry.get()) && !goes_alone(call, now)) {
    if (look == Look::first) call.note(Decision::cache_waits, now);
    has_waited_ = true;
    return Wait{this, std::min(waits_until(call), now + patience(call))};
  }
  call.note(Decision::cache_forwarded, now, why_);
  ask_about(call, std::move(entry));
  return Proceed{};
}

void CacheLookup::ask_unconditionally(Call& call) noexcept {
  call.conditions.clear();
  entry_.reset();
}

void CacheLookup::ask_about(Call& call, EntryPtr entry) {
  if (entry && call.context->request->method == "GET" && !call.connection_bound)
    call.conditions = cache::conditions_for(*entry);
  if (!call.conditions.empty()) entry_ = std::move(entry);
  context_->cache_partition->count(entry_ ? Event::validate : Event::miss);
}

// Whether what this request fetches can answer others, as far as can be known before it is there.
bool CacheLookup::may_share(const Call& call, const cache::Entry* entry) const {
  const Fields& fields = call.context->request->fields;
  if (!cache::is_plain_get(*call.context->request) || why_ == cache::Forward::request || asked_.no_store) return false;
  if (call.connection_bound) return false;
  if (fields.find("range") || fields.find("authorization")) return false;
  if (entry != nullptr && !entry->freshness.shareable()) return false;
  const bool replaced = entry != nullptr && !cache::conditions_for(*entry).empty();
  return replaced || !(fields.find("if-none-match") || fields.find("if-modified-since"));
}

// The scope, whether there are cookies, and the URI. Of the scope's last part, which may hold anything, the length
// comes first. Cookies may make an answer slow, or one that nobody else may have: those who have none do not wait for
// that.
const std::string& CacheLookup::fetch_key(const Call& call) {
  if (!fetch_.empty()) return fetch_;
  fetch_ = context_->cache_partition->name() + ' ' + std::to_string(context_->cache_generation) + ' ';
  if (call.context->request->has_cookie()) fetch_.append("cookie ");
  if (!call.cache_scope.empty())
    fetch_.append(std::to_string(call.cache_scope.size())).append(" ").append(call.cache_scope);
  return fetch_ += uri_;
}

// Whether this request fetches for all, or at least has nobody to wait for.
bool CacheLookup::goes_alone(const Call& call, Time now) {
  if (context_->fetches->is_unshareable(fetch_key(call), now)) return true;
  auto lead = context_->fetches->lead(fetch_, now, patience(call), has_waited_);
  if (!lead) return asked_.wants_validation();  // what was asked for before it came would not do
  lead_.emplace(std::move(*lead));
  return true;
}

Reply CacheLookup::on_validated(Call& call, EntryPtr fresh, Time now) {
  call.note(Decision::cache_answered, now, CacheAnswer::validated, 0, fresh->freshness.age_seconds(now).count());
  return answer_with(call, std::move(fresh), {.forwarded = why_, .fwd_status = 304}, now);
}

void CacheLookup::on_relay(const Call& call, Reply& reply, const cache::Freshness* remembered, Time now) {
  CacheStatus status{.forwarded = why_, .stored = remembered != nullptr};
  if (remembered != nullptr) status.ttl = remembered->ttl(now);
  reply.extra_fields.append("Cache-Status: ").append(status.text()).append("\r\n");
  if (fetch_.empty()) return;
  shareable_ = remembered != nullptr && remembered->shareable();
  if (shareable_ || !lead_) return;
  // What one client's odd field may have brought about says nothing of what others get: somebody else leads.
  const int got = call.exchange->response->status;
  const bool about_resource = got < 400 || got == 404 || got == 410;
  end(about_resource || got >= 500 ? Ended::alone : Ended::vacant);
  if (end_counted_ && (about_resource || call.context->background))
    context_->fetches->mark_unshareable(fetch_, now + (about_resource ? kUnshareable : kFailed));
}

void CacheLookup::on_given_up(const Call& call) {
  end(Ended::alone);
  if (end_counted_) context_->fetches->mark_unshareable(fetch_, call.exchange->response_head + kUnshareable);
}

void CacheLookup::on_done(const Call& call, bool stored, Time now) noexcept {
  const Exchange& x = *call.exchange;
  const bool broke_off = x.outcome != Outcome::complete && x.outcome != Outcome::abandoned;
  const bool failed =
      call.context->background && !stored && !is_forsaken(x.outcome) && (x.response == nullptr || broke_off);
  // A leader whose own deadline is over has left, too: the next one asks for all.
  const bool left = is_forsaken(x.outcome) || (x.outcome == Outcome::total_timeout && call.short_deadline);
  end(stored ? Ended::stored : left ? Ended::vacant : Ended::alone);
  if (failed && end_counted_) context_->fetches->mark_unshareable(fetch_, now + kFailed);
  if (stored && shareable_ && !fetch_.empty()) context_->fetches->mark_shareable(fetch_);
}

void CacheLookup::end(Ended how) noexcept {
  if (lead_ && lead_->end(how)) end_counted_ = true;
}

}  // namespace fusewire
