// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>

#include "filters/attempt_chain.hpp"
#include "filters/call_chain.hpp"

namespace fusewire {

// Who hears of an exchange while it runs: the filters of its attempt and those of its call. References to them and to
// the exchange; the attempt's come first.
class ExchangeFilters {
 public:
  ExchangeFilters(CallChain& call, AttemptChain& attempt, const Exchange& x) noexcept
      : call_(call), attempt_(attempt), x_(x) {}

  void on_sent(Time now) { attempt_.on_sent(now); }
  void on_head(const Call& call, Time now) { attempt_.on_head(call, x_, now); }
  void on_due(Call& call, Time now) {
    attempt_.on_due(call, x_, now);
    call_.on_due(call, now);
  }
  Time next_due(const Call& call) const { return std::min(attempt_.next_due(call, x_), call_.next_due(call)); }
  void on_client_stalled() noexcept { call_.on_client_stalled(); }
  std::optional<Time> runs_on_until(const Call& call, Time now) noexcept {
    const auto until = attempt_.runs_on_until(call, x_, now);
    return until ? until : call_.runs_on_until(call, now);
  }

 private:
  CallChain& call_;
  AttemptChain& attempt_;
  const Exchange& x_;
};

}  // namespace fusewire
