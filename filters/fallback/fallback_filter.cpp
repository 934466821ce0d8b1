// SPDX-License-Identifier: Apache-2.0
#include "filters/fallback/fallback_filter.hpp"

#include <string>
#include <utility>
#include <variant>

#include "filters/cache/answer.hpp"
#include "filters/cache/cache_status.hpp"
#include "filters/timeout/deadline.hpp"

namespace fusewire {
namespace {

// A fresh response that was passed over at first, because every request goes to the upstream, is `bypass`
// (RFC 9211 §2.2).
std::string cache_status(const Call& call, const Reply& failed, const cache::Freshness& freshness, Time now) {
  const Exchange& x = *call.exchange;
  cache::CacheStatus status;
  if (!call.nothing_sent) {
    status.forwarded = freshness.fresh(now) ? cache::Forward::bypass : cache::Forward::stale;
    status.fwd_status = x.upstream_status != 0 ? x.upstream_status : failed.status;
  }
  status.ttl = freshness.ttl(now);
  status.detail = detail_of(trigger_of(call, failed));
  return status.text();
}

// The session frames the body itself.
bool frames(std::string_view name) noexcept {
  return iequals(name, "content-length") || iequals(name, "transfer-encoding") || iequals(name, "connection");
}

bool has_no_body(int status) noexcept { return status == 204 || status == 205 || status == 304; }

}  // namespace

Step FallbackFilter::on_reply(Call& call, Reply& reply, Time now) {
  if (call.fallback->chain.empty()) return Proceed{};
  if (falls_back(call, reply)) {
    call.note(Decision::fallback_begun, now, trigger_of(call, reply), reply.status);
    return walk(call, reply, now);
  }
  if (reply.status >= 500)
    if (const Trigger trigger = trigger_of(call, reply); trigger != Trigger::none)
      call.note(Decision::fallback_not_for, now, trigger, reply.status);
  return Proceed{};
}

Step FallbackFilter::on_result(Call& call, Reply& reply, FallbackResult result, Time now) {
  call.fallback_runs.add(FallbackType::upstream, result);
  call.note(Decision::fallback_step, now, FallbackType::upstream, static_cast<int>(result));
  if (result != FallbackResult::hit) return walk(call, reply, now);
  call.set(Flag::fallback);
  return Proceed{};
}

Step FallbackFilter::walk(Call& call, Reply& reply, Time now) {
  const auto& chain = call.fallback->chain;
  while (next_ < chain.size()) {
    const config::FallbackStep& step = chain[next_++];
    const auto taken = std::visit([&](const auto& what) { return run(what, call, reply, now); }, step);
    if (!taken) continue;
    if (proceeds(*taken)) call.set(Flag::fallback);
    return *taken;
  }
  return Proceed{};
}

std::optional<Step> FallbackFilter::run(const config::CacheStep& step, Call& call, Reply& reply, Time now) {
  const cache::StaleRule rule{.on_error = true, .max_stale = step.max_stale};
  cache::EntryPtr entry = cache::select(*context_, call, rule, now);
  call.fallback_runs.add(FallbackType::cache, entry ? FallbackResult::hit : FallbackResult::miss);
  call.note(Decision::fallback_step, now, FallbackType::cache,
            static_cast<int>(entry ? FallbackResult::hit : FallbackResult::miss),
            entry ? entry->freshness.age(now).count() : 0);
  if (!entry) return std::nullopt;
  call.set(entry->freshness.fresh(now) ? Flag::cache_hit : Flag::cache_stale);
  const std::string status = cache_status(call, reply, entry->freshness, now);
  reply = cache::answer(call, std::move(entry), status, now);
  return Proceed{};
}

// Only what has not been seen by the first upstream, or may be seen twice.
std::optional<Step> FallbackFilter::run(const config::UpstreamStep& step, Call& call, Reply&, Time now) {
  const bool repeatable =
      call.nothing_sent || (call.context->request->is_idempotent() && call.context->body_replayable);
  if (repeatable && now < ends_at(call)) {
    call.note(Decision::fallback_asks, now);
    return Ask{step.upstream};
  }
  call.note(Decision::fallback_barred, now, repeatable ? 1 : 0);
  call.fallback_runs.add(FallbackType::upstream, FallbackResult::miss);
  return std::nullopt;
}

std::optional<Step> FallbackFilter::run(const config::StaticStep& step, Call& call, Reply& reply, Time now) {
  reply = {};
  reply.origin = Reply::Origin::stored;  // the configuration owns it, and the request pins that
  reply.status = step.status;
  for (const auto& [name, value] : step.headers)
    if (!frames(name)) reply.fields.add(name, value);
  if (!has_no_body(step.status)) {
    if (call.context->request->is_head()) {
      reply.content_length = step.body.size();
    } else {
      reply.body = step.body;
    }
  }
  call.fallback_runs.add(FallbackType::static_reply, FallbackResult::hit);
  call.note(Decision::fallback_step, now, FallbackType::static_reply, static_cast<int>(FallbackResult::hit));
  return Proceed{};
}

}  // namespace fusewire
