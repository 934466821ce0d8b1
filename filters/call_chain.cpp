// SPDX-License-Identifier: Apache-2.0
#include "filters/call_chain.hpp"

#include <algorithm>
#include <utility>

namespace fusewire {
namespace {

template <class... F>
constexpr bool all_filters(const std::tuple<F...>*) {
  return (CallFilter<F> && ...);
}

}  // namespace

static_assert(CallFilter<CallChain>);

CallChain::CallChain(const ChainContext& context)
    : filters_(RetryFilter{context}, CacheFilter{context}, RateFilter{context}, ConcurrencyFilter{context},
               BreakerFilter{context}, DeadlineFilter{}, FallbackFilter{context}) {
  static_assert(all_filters(static_cast<Filters*>(nullptr)));
}

CallChain::~CallChain() {
  if (pending_ != nullptr) on_done(*pending_, latest_);
}

// ------------------------------------------------------------------------------------------------------ the way in

template <std::size_t I>
Step CallChain::ask(Call& call, Reply& reply, Time now) {
  if constexpr (I == std::tuple_size_v<Filters>) {
    return Proceed{};
  } else {
    if (I >= asked_) {
      if (Step step = std::get<I>(filters_).on_request(call, reply, now); !proceeds(step)) return step;
      asked_ = I + 1;
    }
    return ask<I + 1>(call, reply, now);
  }
}

Step CallChain::on_request(Call& call, Reply& reply, Time now) {
  pending_ = &call;
  latest_ = now;
  return ask<0>(call, reply, now);
}

// ------------------------------------------------------------------------------------------------------ the way out

template <std::size_t I>
Step CallChain::show(Call& call, Reply& reply, Time now) {
  if constexpr (I == std::tuple_size_v<Filters>) {
    return Proceed{};
  } else {
    Step step = std::get<I>(filters_).on_reply(call, reply, now);
    if (proceeds(step)) return show<I + 1>(call, reply, now);
    asking_ = I;
    return step;
  }
}

Step CallChain::on_reply(Call& call, Reply& reply, Time now) {
  latest_ = now;
  return show<0>(call, reply, now);
}

template <std::size_t I>
Step CallChain::report(Call& call, Reply& reply, FallbackResult result, Time now) {
  if constexpr (I == std::tuple_size_v<Filters>) {
    return Proceed{};
  } else {
    if (I == asking_) return std::get<I>(filters_).on_result(call, reply, result, now);
    return report<I + 1>(call, reply, result, now);
  }
}

Step CallChain::on_result(Call& call, Reply& reply, FallbackResult result, Time now) {
  latest_ = std::max(latest_, now);
  return report<0>(call, reply, result, now);
}

void CallChain::on_body(Call& call, std::string_view piece) {
  std::apply([&](auto&... filter) { (filter.on_body(call, piece), ...); }, filters_);
}

// ------------------------------------------------------------------------------------------------------ beside them

void CallChain::on_due(Call& call, Time now) {
  latest_ = now;
  std::apply([&](auto&... filter) { (filter.on_due(call, now), ...); }, filters_);
}

Time CallChain::next_due(const Call& call) const {
  return std::apply([&](const auto&... filter) { return std::min({filter.next_due(call)...}); }, filters_);
}

Time CallChain::hedge_at(const Call& call) const {
  return std::apply([&](const auto&... filter) { return std::min({filter.hedge_at(call)...}); }, filters_);
}

template <std::size_t I>
Step CallChain::report_silence(Call& call, Time now) {
  if constexpr (I == std::tuple_size_v<Filters>) {
    return Proceed{};
  } else {
    const Step step = std::get<I>(filters_).on_silence(call, now);
    return proceeds(step) ? report_silence<I + 1>(call, now) : step;
  }
}

Step CallChain::on_silence(Call& call, Time now) {
  latest_ = now;
  return report_silence<0>(call, now);
}

bool CallChain::is_good(const Call& call, int status) const {
  return std::apply([&](const auto&... filter) { return (filter.is_good(call, status) && ...); }, filters_);
}

void CallChain::on_client_stalled() noexcept {
  std::apply([](auto&... filter) { (filter.on_client_stalled(), ...); }, filters_);
}

bool CallChain::needs_body() const noexcept {
  return std::apply([](const auto&... filter) { return (filter.needs_body() || ...); }, filters_);
}

std::optional<Time> CallChain::runs_on_until(const Call& call, Time now) noexcept {
  std::optional<Time> until;
  std::apply([&](auto&... filter) { static_cast<void>(((until = filter.runs_on_until(call, now)) || ...)); }, filters_);
  return until;
}

void CallChain::on_verdict(Call& call, Time now) noexcept {
  std::apply([&](auto&... filter) { (filter.on_verdict(call, now), ...); }, filters_);
}

void CallChain::on_done(Call& call, Time now) noexcept {
  if (pending_ == nullptr) return;
  pending_ = nullptr;
  std::apply([&](auto&... filter) { (filter.on_done(call, now), ...); }, filters_);
}

void CallChain::on_released() noexcept {
  std::apply([](auto&... filter) { (filter.on_released(), ...); }, filters_);
}

}  // namespace fusewire
