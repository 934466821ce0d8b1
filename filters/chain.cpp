// SPDX-License-Identifier: Apache-2.0
#include "filters/chain.hpp"

#include <algorithm>
#include <utility>

namespace fusewire {
namespace {

template <class... F>
constexpr bool all_filters(const std::tuple<F...>*) {
  return (Filter<F> && ...);
}

// The first reply ends the walk, and so does a filter that has the exchange wait.
template <class Filters>
std::optional<Reply> first_reply(Filters& filters, Exchange& x, Time now) {
  std::optional<Reply> reply;
  std::apply(
      [&](auto&... filter) {
        static_cast<void>((((reply = filter.on_request(x, now)).has_value() || x.hold == Hold::wait) || ...));
      },
      filters);
  return reply;
}

}  // namespace

static_assert(Filter<Chain>);

Chain::Chain(const ChainContext& context)
    : filters_(CacheFilter{context}, BreakerFilter{context}, TimeoutFilter{}, FallbackFilter{context}) {
  static_assert(all_filters(static_cast<decltype(filters_)*>(nullptr)));
}

Chain::~Chain() {
  if (pending_ != nullptr) on_done(*pending_, latest_);
}

std::optional<Reply> Chain::on_request(Exchange& x, Time now) {
  pending_ = &x;
  latest_ = now;
  return first_reply(filters_, x, now);
}

void Chain::on_reply(Exchange& x, Reply& reply, Time now) {
  latest_ = now;
  auto& [cache, breaker, timeout, fallback] = filters_;
  cache.on_reply(x, reply, now);
  breaker.on_reply(x, reply, now);
  timeout.on_reply(x, reply, now);
  if (!cache.detour()) fallback.on_reply(x, reply, now);  // who asks the same upstream again has its own
}

void Chain::on_body(Exchange& x, std::string_view piece) {
  std::apply([&](auto&... filter) { (filter.on_body(x, piece), ...); }, filters_);
}

void Chain::on_due(Exchange& x, Time now) {
  latest_ = now;
  std::apply([&](auto&... filter) { (filter.on_due(x, now), ...); }, filters_);
}

Time Chain::next_due(const Exchange& x) const {
  return std::apply([&](const auto&... filter) { return std::min({filter.next_due(x)...}); }, filters_);
}

void Chain::on_done(Exchange& x, Time now) noexcept {
  if (pending_ == nullptr) return;
  pending_ = nullptr;
  std::apply([&](auto&... filter) { (filter.on_done(x, now), ...); }, filters_);
}

bool Chain::follow(std::shared_ptr<cache::Follower> follower) {
  return std::get<CacheFilter>(filters_).follow(std::move(follower));
}

bool Chain::wants_verdict(const Exchange& x) noexcept { return std::get<BreakerFilter>(filters_).wants_verdict(x); }

void Chain::on_verdict(Exchange& x, Time now) noexcept { std::get<BreakerFilter>(filters_).on_verdict(x, now); }

bool Chain::remembers() const noexcept { return std::get<CacheFilter>(filters_).remembers(); }

void Chain::on_client_stalled() noexcept { std::get<CacheFilter>(filters_).on_client_stalled(); }

std::optional<std::string_view> Chain::detour() const noexcept {
  const auto again = std::get<CacheFilter>(filters_).detour();
  return again ? again : std::get<FallbackFilter>(filters_).detour();
}

void Chain::answered(Exchange& x) noexcept { std::get<FallbackFilter>(filters_).answered(x); }

void Chain::resume(Exchange& x, Reply& reply, FallbackResult result, Time now) {
  std::get<FallbackFilter>(filters_).resume(x, reply, result, now);
}

}  // namespace fusewire
