// SPDX-License-Identifier: Apache-2.0
#include "filters/limits/rate_filter.hpp"

#include "filters/breaker/core/breaker.hpp"
#include "filters/limits/refusal.hpp"
#include "filters/limits/token_bucket.hpp"

namespace fusewire {

Step RateFilter::on_request(Call& call, Reply& reply, Time now) {
  const auto& rate = call.upstream->limits.rate;
  if (!rate || !context_->breaker->available(now)) return Proceed{};
  const auto wait =
      context_->token_bucket->try_take({.requests_per_second = rate->requests_per_second, .burst = rate->burst}, now);
  if (!wait) return Proceed{};
  call.note(Decision::rate_refused, now, 0, 0, std::chrono::ceil<milliseconds>(*wait).count());
  return limits::refuse(call, reply, Problem::rate_limited,
                        "upstream '" + call.upstream->name + "' gets as many requests as its rate limit lets through",
                        std::chrono::ceil<milliseconds>(*wait));
}

}  // namespace fusewire
