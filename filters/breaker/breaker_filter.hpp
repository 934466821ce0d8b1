// SPDX-License-Identifier: Apache-2.0
// Thin glue between one call and its upstream's breaker: asks for the permit, tells slowness, gives one verdict.
#pragma once

#include <atomic>
#include <cstdint>
#include <utility>

#include "filters/breaker/core/breaker.hpp"
#include "filters/call_filter.hpp"
#include "filters/chain_context.hpp"

namespace fusewire {

class BreakerFilter : public PassThrough {
 public:
  explicit BreakerFilter(const ChainContext& context) noexcept
      : breaker_(context.breaker), classify_(context.classify), without_client_(context.trials_without_client) {}

  Step on_request(Call&, Reply&, Time now);
  Step on_reply(Call&, Reply&, Time now);
  // Slowness at slower_than, the end of the call for a body that still flows at settle_after, and a half-open slot
  // whose call waits for its client.
  void on_due(Call&, Time now);
  Time next_due(const Call&) const;
  void on_done(Call&, Time now) noexcept;

  // A half-open trial, as many of an upstream at a time as there are slots.
  bool wants_verdict(const Call&) noexcept;
  void on_verdict(Call&, Time now) noexcept;

 private:
  // One of the trials that go on without a client.
  class WithoutClient {
   public:
    explicit WithoutClient(std::atomic<std::uint32_t>* count) noexcept : count_(count) {}
    WithoutClient(WithoutClient&& other) noexcept
        : count_(other.count_), counted_(std::exchange(other.counted_, false)) {}
    WithoutClient& operator=(WithoutClient&&) = delete;
    ~WithoutClient() { leave(); }

    bool enter(std::uint32_t limit) noexcept;
    void leave() noexcept;

   private:
    std::atomic<std::uint32_t>* count_;
    bool counted_ = false;
  };

  Time slow_at(const Call&) const;
  Time settle_at(const Call&) const;
  Time slot_until(const Call&) const;
  void tell_slowness(const Call&, Time now);
  void judge(Call&, Outcome, Time now);
  void after_the_call(const Call&, Time now);

  breaker::Breaker* breaker_;
  const CompiledClassify* classify_;
  breaker::Permit permit_;
  WithoutClient without_client_;
  bool reported_slow_ = false;
};

}  // namespace fusewire
