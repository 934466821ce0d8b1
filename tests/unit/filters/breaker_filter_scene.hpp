// SPDX-License-Identifier: Apache-2.0
// A breaker and its filter, over one exchange after the other.
#pragma once

#include <memory>
#include <optional>

#include "filters/breaker/breaker_filter.hpp"
#include "filters/breaker/classify.hpp"
#include "tests/unit/filters/scene.hpp"

namespace fusewire::test {

inline config::CircuitBreaker calm() {
  config::CircuitBreaker settings;
  settings.transitions.backoff.jitter = 0;
  return settings;
}

struct BreakerFilterScene : Scene {
  std::unique_ptr<breaker::Breaker> breaker;
  std::unique_ptr<CompiledClassify> classify;
  ChainContext context;
  std::optional<BreakerFilter> filter;

  BreakerFilterScene() { configure(calm()); }

  void configure(const config::CircuitBreaker& settings) {
    upstream.circuit_breaker = settings;
    filter.reset();
    breaker = std::make_unique<breaker::Breaker>(settings, kStart, 1);
    classify = std::make_unique<CompiledClassify>(settings.classify);
    context = {breaker.get(), classify.get(), nullptr, nullptr};
    context.breaker_name = "orders";
  }
  // A new exchange up to the chain's word; with a request that is sent at once when it may pass.
  std::optional<Reply> request(Time now = kStart) {
    begin(now);
    filter.emplace(context);
    auto reply = own_reply(*filter, call, now);
    if (!reply) sent(now);
    return reply;
  }
  void reply(Time now) {
    Reply r = head(now);
    filter->on_reply(call, r, now);
  }
  void done(Outcome outcome, Time now) {
    x.outcome = outcome;
    if (outcome == Outcome::complete) x.response_end = now;
    filter->on_done(call, now);
  }
  void fail(Time now = kStart) {
    request(now);
    done(Outcome::reset, now);
  }
  breaker::Totals totals() { return breaker->snapshot(kStart).totals; }
  std::uint64_t slow() { return breaker->snapshot(kStart + 10s).window.slow; }
};

}  // namespace fusewire::test
