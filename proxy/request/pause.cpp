// SPDX-License-Identifier: Apache-2.0
#include "proxy/request/pause.hpp"

#include "proxy/net/clock.hpp"
#include "proxy/request/loop_waker.hpp"

namespace fusewire::proxy {

Task<void> Pause::until_come(const Wait& wait) {
  const auto waker = std::make_shared<LoopWaker>(worker_.loop(), inbound_.event);
  const LoopWaker::Listening listening(*waker);
  if (!wait.what->await(waker)) co_return;
  bool late = false;
  Deadline patience(worker_.deadlines(), [&] {
    late = true;
    inbound_.event.set();
  });
  patience.arm(wait.until);
  while (!waker->woken() && !late && !is_broken()) {
    inbound_.client.listen();
    co_await inbound_.event.wait();
  }
}

Task<void> Pause::until(Time time) {
  Deadline timer(worker_.deadlines(), [this] { inbound_.event.set(); });
  timer.arm(time);
  while (steady_now() < time && !is_broken()) {
    inbound_.client.listen();
    co_await inbound_.event.wait();
  }
}

}  // namespace fusewire::proxy
