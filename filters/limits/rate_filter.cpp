// SPDX-License-Identifier: Apache-2.0
#include "filters/limits/rate_filter.hpp"

#include <utility>

#include "filters/breaker/may_pass.hpp"
#include "filters/limits/limits_state.hpp"
#include "filters/limits/refusal.hpp"

namespace fusewire {
namespace {

const std::optional<config::Rate>& route_rate(const Call& call) {
  static const std::optional<config::Rate> kNone;
  return call.route_limits != nullptr ? call.route_limits->rate : kNone;
}

}  // namespace

// The route's comes first: what it refuses costs the others of its upstream nothing.
Step RateFilter::on_request(Call& call, Reply& reply, Time now) {
  const auto& rate = call.upstream->limits.rate;
  const auto& of_route = route_rate(call);
  if ((!rate && !of_route) || !may_pass(call, *context_, now)) return Proceed{};
  if (of_route) {
    taken_of_route_ = take(call, reply, *context_->route_limits, *of_route, now);
    if (!taken_of_route_) return Answer{};
  }
  taken_ = rate && take(call, reply, *context_->limits, *rate, now);
  if (taken_ || !rate) return Proceed{};
  give_back(call);
  return Answer{};
}

bool RateFilter::take(Call& call, Reply& reply, limits::LimitsState& state, const config::Rate& rate, Time now) const {
  const auto wait = state.token_bucket.try_take(rate, now);
  if (!wait) return true;
  const bool of_route = &state == context_->route_limits;
  call.note(Decision::rate_refused, now, 0, LimitNote{.of_route = of_route}.packed(),
            std::chrono::ceil<milliseconds>(*wait).count());
  limits::refuse(call, reply, Problem::rate_limited,
                 limits::whose(*context_, state) + " gets as many requests as its rate limit lets through",
                 std::chrono::ceil<milliseconds>(*wait));
  call.limited_by_route = of_route;
  return false;
}

void RateFilter::on_done(Call& call, Time) noexcept {
  if (call.permitted == kNever) give_back(call);
}

void RateFilter::give_back(const Call& call) noexcept {
  if (std::exchange(taken_of_route_, false)) context_->route_limits->token_bucket.give_back(*route_rate(call));
  if (std::exchange(taken_, false)) context_->limits->token_bucket.give_back(*call.upstream->limits.rate);
}

}  // namespace fusewire
