// SPDX-License-Identifier: Apache-2.0
// A breaker in a program of one's own: a flaky call, its fallback, and what the breaker says about it.
#include <chrono>
#include <iostream>
#include <stdexcept>
#include <string>

#include "filters/breaker/core/builder.hpp"

namespace breaker = fusewire::breaker;
using namespace std::chrono_literals;

int main() {
  // The program's own time, so that the example needs no waiting; leave .clock() out for the steady clock.
  breaker::Time now{};
  bool healthy = false;

  breaker::CircuitBreaker orders = breaker::Builder("orders")
                                       .consecutive_failures(3)
                                       .open_for(5s)
                                       .backoff(2, 60s, 0)
                                       .success_threshold(1)
                                       .clock([&] { return now; })
                                       .build();

  orders.on_event([](const breaker::Event& event) {
    if (event.kind == breaker::Event::Kind::transition)
      std::cout << "  " << to_string(event.from) << " -> " << to_string(event.to) << '\n';
  });

  const auto fetch = [&]() -> std::string {
    if (!healthy) throw std::runtime_error("connection refused");
    return "fresh";
  };
  const auto stale = [] { return std::string("stale"); };

  for (int second = 0; second < 9; ++second) {
    healthy = second >= 5;
    const std::string answer = orders.call_with_fallback(fetch, stale);
    std::cout << second << " s: " << answer << '\n';
    now += 1s;
  }
  const breaker::Totals totals = orders.snapshot().totals;
  std::cout << totals.success << " succeeded, " << totals.failure << " failed, " << totals.rejected << " rejected\n";
}
