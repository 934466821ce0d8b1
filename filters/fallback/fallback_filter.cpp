// SPDX-License-Identifier: Apache-2.0
#include "filters/fallback/fallback_filter.hpp"

#include <string>
#include <utility>
#include <variant>

#include "filters/cache/answer.hpp"
#include "filters/cache/cache_status.hpp"

namespace fusewire {
namespace {

// A fresh response that was passed over at first, because every request goes to the upstream, is `bypass`
// (RFC 9211 §2.2).
std::string cache_status(const Exchange& x, const Reply& failed, const cache::Freshness& freshness, Time now) {
  cache::CacheStatus status;
  if (!x.nothing_sent) {
    status.forwarded = freshness.fresh(now) ? cache::Forward::bypass : cache::Forward::stale;
    status.fwd_status = x.upstream_status != 0 ? x.upstream_status : failed.status;
  }
  status.ttl = freshness.ttl(now);
  status.detail = detail_of(trigger_of(x, failed));
  return status.text();
}

// The session frames the body itself.
bool frames(std::string_view name) noexcept {
  return iequals(name, "content-length") || iequals(name, "transfer-encoding") || iequals(name, "connection");
}

bool has_no_body(int status) noexcept { return status == 204 || status == 205 || status == 304; }

}  // namespace

void FallbackFilter::on_reply(Exchange& x, Reply& reply, Time now) {
  if (falls_back(x, reply)) walk(x, reply, now);
}

void FallbackFilter::answered(Exchange& x) noexcept {
  if (!std::exchange(detour_, std::nullopt)) return;
  x.fallback_runs.add(FallbackType::upstream, FallbackResult::hit);
  x.set(Flag::fallback);
}

void FallbackFilter::resume(Exchange& x, Reply& reply, FallbackResult result, Time now) {
  if (!std::exchange(detour_, std::nullopt)) return;
  x.fallback_runs.add(FallbackType::upstream, result);
  walk(x, reply, now);
}

void FallbackFilter::walk(Exchange& x, Reply& reply, Time now) {
  const auto& chain = x.fallback->chain;
  while (next_ < chain.size()) {
    const config::FallbackStep& step = chain[next_++];
    if (!std::visit([&](const auto& what) { return run(what, x, reply, now); }, step)) continue;
    if (!detour_) x.set(Flag::fallback);
    return;
  }
}

bool FallbackFilter::run(const config::CacheStep& step, Exchange& x, Reply& reply, Time now) {
  const cache::StaleRule rule{.on_error = true, .max_stale = step.max_stale};
  cache::EntryPtr entry = cache::select(*context_, x, rule, now);
  x.fallback_runs.add(FallbackType::cache, entry ? FallbackResult::hit : FallbackResult::miss);
  if (!entry) return false;
  x.set(entry->freshness.fresh(now) ? Flag::cache_hit : Flag::cache_stale);
  const std::string status = cache_status(x, reply, entry->freshness, now);
  reply = cache::answer(x, std::move(entry), status, now);
  return true;
}

// Only what has not been seen by the first upstream, or may be seen twice.
bool FallbackFilter::run(const config::UpstreamStep& step, Exchange& x, Reply&, Time now) {
  const bool repeatable = x.nothing_sent || (x.request->is_idempotent() && x.body_replayable);
  const bool can = repeatable && now < x.total_at;
  if (can)
    detour_ = step.upstream;
  else
    x.fallback_runs.add(FallbackType::upstream, FallbackResult::miss);
  return can;
}

bool FallbackFilter::run(const config::StaticStep& step, Exchange& x, Reply& reply, Time) {
  reply = {};
  reply.origin = Reply::Origin::stored;  // the configuration owns it, and the exchange pins that
  reply.status = step.status;
  for (const auto& [name, value] : step.headers)
    if (!frames(name)) reply.fields.add(name, value);
  if (!has_no_body(step.status)) {
    if (x.request->is_head()) {
      reply.content_length = step.body.size();
    } else {
      reply.body = step.body;
    }
  }
  x.fallback_runs.add(FallbackType::static_reply, FallbackResult::hit);
  return true;
}

}  // namespace fusewire
