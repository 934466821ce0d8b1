// SPDX-License-Identifier: Apache-2.0
#include "filters/cache/cache_writer.hpp"

#include <algorithm>
#include <exception>
#include <utility>
#include <variant>

#include "filters/cache/answer.hpp"

namespace fusewire {
namespace {

using cache::Agreement;
using cache::Entry;
using cache::EntryPtr;
using cache::Event;
using cache::Refusal;

// Where collecting a body begins: room is made as it comes, so that an announced length alone evicts nothing.
constexpr std::size_t kFirstRoom = 16 * config::kKiB;

// The longest max_stale of the chain's cache steps; nullopt: it has none.
std::optional<milliseconds> max_stale_of(const config::Fallback& fallback) noexcept {
  std::optional<milliseconds> longest;
  for (const config::FallbackStep& step : fallback.chain)
    if (const auto* cache = std::get_if<config::CacheStep>(&step))
      longest = std::max(longest.value_or(cache->max_stale), cache->max_stale);
  return longest;
}

bool has_cache_step(const config::Fallback& fallback) noexcept { return max_stale_of(fallback).has_value(); }

// Without being validated: as it is, or stale.
bool may_answer_again(const Entry& entry, const config::Fallback& fallback, Time now) noexcept {
  const cache::Freshness& freshness = entry.freshness;
  return freshness.fresh(now) || freshness.stale_if_error || freshness.stale_while_revalidate ||
         has_cache_step(fallback);
}

bool serves_normally(const Call& call) noexcept { return call.upstream->cache.serve == config::Serve::normal; }

// RFC 9111 §4.4. Of the upstream that has changed it alone: another one's answers are none of its clients' business.
void forget(const ChainContext& context, const std::string& key) {
  context.store->invalidate(key, context.cache_partition.get());
  if (const auto usual = cache::usual_key(key)) context.store->invalidate(*usual, context.cache_partition.get());
}

void forget_changed(const ChainContext& context, const Call& call) {
  forget(context, cache::uri_key(*call.context->request));
  for (const std::string_view name : {"location", "content-location"}) {
    const auto reference = call.exchange->response->fields.find(name);
    const auto key = reference ? cache::same_origin_key(*call.context->request, *reference) : std::nullopt;
    if (key) forget(context, *key);
  }
}

// Whether an update that may not be stored says so about the response, and not about its own request.
bool unwanted(Refusal refusal) noexcept {
  return refusal == Refusal::no_store || refusal == Refusal::private_ || refusal == Refusal::no_cache ||
         refusal == Refusal::malformed || refusal == Refusal::vary_any;
}

// Whether an answer may take what others are served: one to credentials, or to a Cookie, is about these.
bool is_anonymous(const Request& request) noexcept {
  return !request.fields.find("authorization") && !request.has_cookie();
}

// Of a response with the stored entity tag, which is one resource's alone: whether its body is the stored one.
bool has_bytes_of(const Entry& entry, const Response& response) noexcept {
  return entry.status == response.status && entry.body->size() == response.content_length &&
         entry.fields.find("content-encoding") == response.fields.find("content-encoding");
}

}  // namespace

std::optional<Reply> CacheWriter::on_request(Call& call, Time now) {
  serial_ = context_->store->now_serial();
  const Request& request = *call.context->request;
  if (serves_normally(call) || !request.fields.find("cache-control") || !has_cache_step(*call.fallback))
    return std::nullopt;
  if (!request.is_get_or_head()) return std::nullopt;
  if (!cache::request_directives(request.fields).only_if_cached) return std::nullopt;
  call.exchange->outcome = Outcome::local;
  EntryPtr entry = cache::select(*context_, call, {}, now);
  if (!entry) {
    call.note(Decision::cache_has_none, now);
    return cache::not_cached();
  }
  const bool fresh = entry->freshness.fresh(now);
  call.note(Decision::cache_answered, now, fresh ? CacheAnswer::fresh : CacheAnswer::stale, 0,
            entry->freshness.age_seconds(now).count());
  call.set(fresh ? Flag::cache_hit : Flag::cache_stale);
  const std::string status = "fusewire; hit; ttl=" + std::to_string(entry->freshness.ttl(now).count());
  return cache::answer(call, std::move(entry), status, now);
}

void CacheWriter::on_reply(Call& call, Reply& reply, Time now) {
  const Exchange& x = *call.exchange;
  give_up();  // of an attempt that another one has followed
  if (reply.origin != Reply::Origin::upstream || x.response == nullptr) return;
  if (x.injected.aborts()) return;  // what was made here says nothing of what is stored
  head_ = now;
  const Request& request = *call.context->request;
  const int status = x.response->status;
  if (!request.is_safe()) {
    if (status >= 200 && status < 400) forget_changed(*context_, call);
  } else if (!call.connection_bound && (serves_normally(call) || has_cache_step(*call.fallback))) {
    if (request.method == "GET" && status != 304) begin(call);
    if ((request.method == "GET" && status == 304) || (request.is_head() && status == 200)) freshen(call);
  }
}

void CacheWriter::on_body(Call&, std::string_view piece) {
  if (plan_ != Plan::collect) return;
  const std::size_t size = bytes_.size() + piece.size();
  if (size > largest_) return give_up();
  if (size > bytes_.capacity()) {
    const std::size_t room = std::min(std::max({size, bytes_.capacity() * 2, kFirstRoom}), largest_);
    if (!room_.grow_to(room)) return give_up();
    std::string larger;  // of just that size: a string that grows by itself may take more than was reserved
    larger.reserve(room);
    bytes_.swap(larger.append(bytes_));
  }
  bytes_.append(piece);
}

void CacheWriter::on_done(Call& call, Time) noexcept {
  if (plan_ == Plan::nothing || call.exchange->outcome != Outcome::complete) return;
  try {
    commit(call);
  } catch (const std::exception&) {  // out of memory: what cannot be remembered is forgotten
  }
  give_up();
}

void CacheWriter::begin(Call& call) {
  const Response& response = *call.exchange->response;
  const auto verdict = judge(call, *call.context->request, response);
  if (!verdict) {
    call.note(Decision::cache_not_stored, head_, verdict.refusal);
    return forget_superseded(call, verdict.refusal);
  }
  if (displaces_a_good_one(call)) return;
  const bool known = response.body == BodyKind::length;
  if (known && response.content_length > call.upstream->cache.max_object) return;
  freshness_ = verdict.freshness;
  uri_ = cache::uri_key(*call.context->request);
  const std::string_view etag = known ? cache::strong_etag(response.fields) : std::string_view{};
  if (!etag.empty()) {
    stored_ = context_->store->find(cache::scope_of(*context_, call), uri_, call.context->request->fields);
    if (stored_ && stored_->etag == etag && has_bytes_of(*stored_, response)) {
      plan_ = Plan::keep_bytes;
      return;
    }
    stored_.reset();
  }
  collect(call);
}

cache::Storability CacheWriter::judge(const Call& call, const Request& request, const Response& response) const {
  return cache::storability(
      request, response, call.upstream->cache, cache::received(call, head_),
      {.deadline_header = call.timeouts->deadline_header,
       .stale_by_operator = max_stale_of(*call.fallback).value_or(milliseconds{0}) > milliseconds{0}});
}

void CacheWriter::collect(const Call& call) {
  const Exchange& x = *call.exchange;
  largest_ = call.upstream->cache.max_object;
  if (x.response->body == BodyKind::length) largest_ = static_cast<std::size_t>(x.response->content_length);
  if (x.response->body != BodyKind::length || largest_ <= context_->store->limit()) plan_ = Plan::collect;
}

void CacheWriter::give_up() noexcept {
  plan_ = Plan::nothing;
  bytes_ = std::string();
  stored_.reset();
  room_.release();
}

// What a fallback is to replace must not take the place of what it is replaced with, nor must an error that one
// client's request or credentials may have brought about.
bool CacheWriter::displaces_a_good_one(const Call& call) const {
  const config::Conditions& on = call.fallback->on;
  const int status = call.exchange->response->status;
  const bool replaced = on.has_status(status);
  if (replaced && !serves_normally(call)) return true;
  const bool says_it_is_gone = (status == 404 || status == 410) && is_anonymous(*call.context->request);
  if (!replaced && (status < 400 || says_it_is_gone)) return false;
  bool others = false;
  const EntryPtr stored = context_->store->find(
      cache::scope_of(*context_, call), cache::uri_key(*call.context->request), call.context->request->fields, &others);
  if (!stored) return others && !replaced;  // it could be selected where one of these is now
  if (replaced) return !on.has_status(stored->status);
  return stored->status < 400 && may_answer_again(*stored, *call.fallback, head_);
}

EntryPtr CacheWriter::find(const Call& call) const {
  return context_->store->find(cache::scope_of(*context_, call), cache::uri_key(*call.context->request),
                               call.context->request->fields);
}

// The newest answer counts (RFC 9111 §4): one that may not be stored, or that says that there is nothing any more,
// leaves nothing older to answer with. Other errors are about their request or the upstream, and not about what was
// asked for.
void CacheWriter::forget_superseded(const Call& call, Refusal refusal) {
  const int status = call.exchange->response->status;
  const bool superseded = status == 404 || status == 410 || (status < 400 && unwanted(refusal));
  if (!superseded || context_->cache_partition->entries() == 0) return;
  const Request& request = *call.context->request;
  if (!cache::is_plain_get(request) || !is_anonymous(request) || request.fields.find("range")) return;
  if (displaces_a_good_one(call)) return;
  if (const EntryPtr older = find(call)) context_->store->invalidate(*older);
}

// Its fields and times are the newer ones (RFC 9111 §4.3.4), or it contradicts what is stored (§4.3.5).
void CacheWriter::freshen(const Call& call) {
  const Exchange& x = *call.exchange;
  const EntryPtr entry = find(call);
  if (!entry) return;
  const HttpTime now = cache::received(call, head_).wall;
  const bool head = call.context->request->is_head();
  const auto agreement =
      head ? cache::agreement_of_head(*entry, *x.response, now) : cache::agreement_of_304(*entry, *x.response, now);
  if (agreement == Agreement::same)
    update(call, *entry, head_);
  else if (agreement == Agreement::other && head && is_anonymous(*call.context->request) &&
           !call.context->request->fields.find("expect"))
    context_->store->invalidate(*entry);
}

EntryPtr CacheWriter::update(const Call& call, const Entry& entry, Time head) {
  head_ = head;
  const cache::Received when = cache::received(call, head);
  Request as_get = *call.context->request;
  as_get.method = "GET";
  const Response merged = cache::updated(entry, *call.exchange->response);
  auto verdict = judge(call, as_get, merged);
  if (unwanted(verdict.refusal) && is_anonymous(as_get)) context_->store->invalidate(entry);
  if (!verdict) verdict.freshness = cache::no_freshness(merged, cache::response_directives(merged.fields), when);
  EntryPtr fresh = cache::make_entry({context_->cache_partition, entry.uri, as_get, merged, verdict.freshness,
                                      when.wall, context_->cache_generation, call.cache_scope},
                                     entry.body);
  if (verdict) store(call, fresh, Event::refresh);
  return fresh;
}

void CacheWriter::commit(Call& call) {
  const Exchange& x = *call.exchange;
  const bool whole = x.response->body != BodyKind::length || bytes_.size() == x.response->content_length;
  if (plan_ == Plan::collect && !whole) return;
  if (displaces_a_good_one(call)) return;  // which may have come since the head
  const Event event = plan_ == Plan::collect ? Event::store : Event::refresh;
  cache::Body body;
  if (plan_ == Plan::keep_bytes) {
    body = stored_->body;
  } else {
    if (bytes_.capacity() > bytes_.size() + bytes_.size() / 4) bytes_.shrink_to_fit();
    room_.release();  // the store counts these bytes from here on
    body = context_->store->body(std::move(bytes_));
  }
  const cache::Received when = cache::received(call, head_);
  auto entry = cache::make_entry({context_->cache_partition, std::move(uri_), *call.context->request, *x.response,
                                  freshness_, when.wall, context_->cache_generation, call.cache_scope},
                                 std::move(body));
  if (store(call, std::move(entry), event))
    call.note(Decision::cache_stored, x.response_end, 0, 0, static_cast<std::int64_t>(x.response->content_length));
}

// False: it was changed meanwhile, or there is no room.
bool CacheWriter::store(const Call& call, EntryPtr entry, Event event) {
  if (!context_->store->insert(std::move(entry), call.context->request->fields, serial_)) return false;
  context_->cache_partition->count(event);
  has_stored_ = true;
  return true;
}

}  // namespace fusewire
