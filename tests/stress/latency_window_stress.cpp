// SPDX-License-Identifier: Apache-2.0
// One latency window and one adaptive timeout, used by several threads at once. Run under TSan.
#include <doctest/doctest.h>

#include <atomic>
#include <barrier>
#include <memory>
#include <thread>
#include <vector>

#include "filters/timeout/adaptive_timeout.hpp"

using namespace fusewire;
using namespace std::chrono_literals;

namespace {

constexpr int kThreads = 6;
constexpr Time kMade = Time{} + 1000h;

template <class Work>
void on_all_threads(Work work) {
  std::vector<std::jthread> threads;
  for (int id = 0; id < kThreads; ++id) threads.emplace_back([&work, id] { work(id); });
}

}  // namespace

// A shared ticket keeps the threads in step, so that all of them come to a slice as one of them begins it. Many windows
// make many such beginnings between two barriers.
TEST_CASE("no latency is lost or counted twice while several threads begin the same slice, used before") {
  constexpr int kRounds = 400;  // more than 256 uses of a slice
  constexpr int kWindows = 256;
  constexpr int kLatencies = 64;  // of a window in a round
  std::vector<std::unique_ptr<LatencyWindow>> windows;
  for (int i = 0; i < kWindows; ++i) windows.push_back(std::make_unique<LatencyWindow>(80ms, kMade));
  std::atomic<int> ticket{0};
  int round = 0, wrong = 0;
  std::barrier recorded(kThreads, [&]() noexcept {
    for (const auto& window : windows)
      if (window->percentile(0.99, kMade + 80ms * round).samples != kLatencies) ++wrong;
    ticket = 0;
    ++round;
  });
  on_all_threads([&](int) {
    while (round < kRounds) {
      const Time now = kMade + 80ms * round;
      for (int mine = ticket++; mine < kWindows * kLatencies; mine = ticket++)
        windows[static_cast<std::size_t>(mine / kLatencies)]->record(milliseconds(1 + round % 40), now);
      recorded.arrive_and_wait();
    }
  });
  CHECK(wrong == 0);
}

TEST_CASE("while slices change, are cleared and read, a reading never holds more than was recorded, nor old values") {
  AdaptiveTimeout timeout{80ms, kMade};
  const AdaptiveTimeout::Settings settings{.min = 1ms, .max = 15s, .minimum_samples = 1};
  std::atomic<int> ms{0}, wrong{0}, recorded{0};
  on_all_threads([&](int id) {
    for (int i = 0; i < 30'000; ++i) {
      const Time now = kMade + milliseconds(ms.load());
      if (i % 64 == id) ++ms;
      if (id == 0 && i % 1000 == 0) timeout.clear();
      if (id == 1 && i % 5000 == 0) timeout.set_window(i % 2 == 0 ? 100ms : 80ms);
      ++recorded;
      if (i % 16 == 0)
        timeout.timed_out(200ms, now);
      else
        timeout.answered(20ms, now);
      const milliseconds value = timeout.value(settings, 400ms, now);
      if (value < 39ms || value > 430ms) ++wrong;
      if (i % 100 == 0 && timeout.window().percentile(0.5, now).samples > static_cast<unsigned>(recorded)) ++wrong;
    }
  });
  CHECK(wrong == 0);
}
