// SPDX-License-Identifier: Apache-2.0
#include "proxy/cli/demo_traffic.hpp"

namespace fusewire::cli {

using namespace std::chrono_literals;

Misbehaviour misbehaviour_at(std::chrono::seconds since_begin) {
  // The ends are seconds away from trials, which come 6 s after a trip and 12 s after the first of them has failed; and
  // what has closed then stays so for longer than the breaker's window, so that the next minute begins with 6 s again.
  const auto second = since_begin % 60s;
  const auto within = [second](std::chrono::seconds from, std::chrono::seconds to) {
    return second >= from && second < to;
  };
  return {.orders = within(5s, 21s) ? Behaviour::errors : Behaviour::ok,
          .payments = within(35s, 43s) ? Behaviour::errors : Behaviour::ok,
          .catalogue = within(15s, 30s) ? Behaviour::delay : Behaviour::ok};
}

DemoTraffic::DemoTraffic(Stage& stage) : stage_(stage) {
  threads_.emplace_back([this] { send("/orders/42", 50ms); });
  threads_.emplace_back([this] { send("/payments/7", 120ms); });
  threads_.emplace_back([this] { send("/catalogue/shoes", 40ms); });
  threads_.emplace_back([this] { misbehave(); });
}

DemoTraffic::~DemoTraffic() {
  {
    const std::lock_guard lock(mutex_);
    over_ = true;
  }
  ended_.notify_all();
  for (std::thread& thread : threads_) thread.join();
}

void DemoTraffic::send(const char* target, std::chrono::milliseconds pause) {
  while (rest(pause)) ask(stage_.port(), "GET", target);
}

// Only what changes is set: in between, the upstreams do what they are asked to by hand.
void DemoTraffic::misbehave() {
  Misbehaviour last;
  do {
    const auto since = std::chrono::steady_clock::now() - began_;
    const Misbehaviour now = misbehaviour_at(std::chrono::duration_cast<std::chrono::seconds>(since));
    if (now.orders != last.orders) stage_.upstream().behave(now.orders);
    if (now.payments != last.payments) stage_.payments().behave(now.payments);
    if (now.catalogue != last.catalogue) stage_.catalogue().behave(now.catalogue);
    last = now;
  } while (rest(250ms));
}

bool DemoTraffic::rest(std::chrono::milliseconds pause) {
  std::unique_lock lock(mutex_);
  return !ended_.wait_for(lock, pause, [this] { return over_; });
}

}  // namespace fusewire::cli
