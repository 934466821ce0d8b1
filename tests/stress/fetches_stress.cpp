// SPDX-License-Identifier: Apache-2.0
// The fetches under way, led and followed by several threads at once. Run under TSan.
#include <doctest/doctest.h>

#include <array>
#include <atomic>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "filters/cache/request_collapser.hpp"

using namespace fusewire;
using namespace fusewire::cache;

namespace {

constexpr int kThreads = 6;
constexpr int kRounds = 5000;
constexpr int kKeys = 3;

struct CountingFollower : Follower {
  std::atomic<int> times{0};
  void fetch_ended(Ended) noexcept override { ++times; }
};

}  // namespace

TEST_CASE("where many lead beside each other, each follower is notified exactly once, or has left") {
  RequestCollapser fetches;
  std::atomic<int> led{0};
  std::vector<std::vector<std::shared_ptr<CountingFollower>>> followers(kThreads);
  std::vector<std::vector<RequestCollapser::Place>> places(kThreads);
  std::vector<std::thread> threads;
  for (int t = 0; t < kThreads; ++t)
    threads.emplace_back([&, t] {
      const auto self = static_cast<std::size_t>(t);
      std::optional<RequestCollapser::Lead> kept;  // for a while, beside others'
      for (int i = 0; i < kRounds; ++i) {
        auto lead =
            fetches.lead("key", Time{std::chrono::milliseconds(i)}, std::chrono::milliseconds(i % 2), i % 4 != 0);
        if (lead) {
          ++led;
          kept.reset();
          kept.emplace(std::move(*lead));
          if (i % 3 == 0) kept->end(i % 2 == 0 ? Ended::stored : Ended::alone);
        } else {
          auto follower = std::make_shared<CountingFollower>();
          auto place = fetches.follow("key", follower);
          if (!place || i % 5 == 0) continue;
          places[self].push_back(std::move(*place));
          followers[self].push_back(std::move(follower));
        }
      }
    });
  for (std::thread& thread : threads) thread.join();
  CHECK(led > kThreads);
  for (const auto& of_one : followers)
    for (const auto& follower : of_one) CHECK(follower->times == 1);
}

TEST_CASE("one leads at a time, and each follower is notified exactly once") {
  RequestCollapser fetches;
  std::array<std::atomic<int>, kKeys> leading{};
  std::atomic<int> wrong{0}, led{0};
  std::vector<std::vector<std::shared_ptr<CountingFollower>>> followers(kThreads);
  std::vector<std::vector<RequestCollapser::Place>> places(kThreads);
  std::vector<std::thread> threads;
  for (int t = 0; t < kThreads; ++t)
    threads.emplace_back([&, t] {
      for (int i = 0; i < kRounds; ++i) {
        const auto which = static_cast<std::size_t>((i + t) % kKeys);
        const std::string key = "key " + std::to_string(which);
        if (auto lead = fetches.lead(key, Time{}, std::chrono::seconds(5), false)) {
          if (++leading[which] != 1) ++wrong;
          ++led;
          if (i % 16 == 0) std::this_thread::yield();
          --leading[which];
          if (i % 3 != 0) lead->end(i % 2 == 0 ? Ended::stored : Ended::alone);
        } else {
          auto follower = std::make_shared<CountingFollower>();
          auto place = fetches.follow(key, follower);
          if (!place || i % 5 == 0) continue;  // of the second kind some leave again
          places[static_cast<std::size_t>(t)].push_back(std::move(*place));
          followers[static_cast<std::size_t>(t)].push_back(std::move(follower));
        }
        if (i % 7 == 0) fetches.mark_unshareable(key, Time{std::chrono::seconds{i}});
        if (i % 11 == 0) fetches.mark_shareable(key);
        fetches.may_refresh(key, Time{std::chrono::seconds{i}}, std::chrono::seconds{1});
      }
    });
  for (std::thread& thread : threads) thread.join();
  CHECK(wrong == 0);
  CHECK(led > 0);
  for (const auto& of_one : followers)
    for (const auto& follower : of_one) CHECK(follower->times == 1);
}
