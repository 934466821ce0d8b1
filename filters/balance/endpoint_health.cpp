// SPDX-License-Identifier: Apache-2.0
#include "filters/balance/endpoint_health.hpp"

#include <algorithm>

#include "filters/balance/health_words.hpp"

namespace fusewire::balance {
namespace {

constexpr Tick kMinOverdue = 2;
constexpr std::uint32_t kWitnesses = 8;  // requests that wait at a time and are counted

}  // namespace

template <class Change>
void EndpointHealth::change_load(Change change) noexcept {
  std::uint64_t seen = load_.load(std::memory_order_relaxed);
  std::uint64_t wanted = 0;
  do {
    LoadWord load(seen);
    change(load);
    wanted = load.word();
  } while (!load_.compare_exchange_weak(seen, wanted, std::memory_order_relaxed));
}

// ------------------------------------------------------------------------------------------------------ a request

void EndpointHealth::begin(Time now) noexcept {
  const Tick at = tick_of(now);
  last_begin_.store(at, std::memory_order_relaxed);
  change_load([at](LoadWord& load) {
    ++load.in_flight;
    load.wait(at);
  });
}

void EndpointHealth::end(Result result, nanoseconds latency, Time now) noexcept {
  change_load([result, at = tick_of(now)](LoadWord& load) {
    --load.in_flight;
    if (result == Result::success || result == Result::failure)
      load.answer(at);
    else
      --load.waiting;
  });
  judge(result, latency, now);
}

void EndpointHealth::answered(Result result, nanoseconds latency, Time now) noexcept {
  bool is_first = false;
  change_load([&is_first, at = tick_of(now)](LoadWord& load) {
    load.answer(at);
    is_first = load.begin_body();
  });
  if (is_first) unfinished_since_.store(tick_of(now), std::memory_order_relaxed);
  judge(result, latency, now);
}

void EndpointHealth::end_answered(Result result, nanoseconds latency, Time now) noexcept {
  change_load([result](LoadWord& load) {
    --load.in_flight;
    if (result == Result::success)
      load.unfinished = 0;
    else if (result == Result::neutral)
      load.drop_body();
  });
  if (result == Result::success) return;  // the head was judged
  judge(result, result == Result::unanswered ? latency : nanoseconds{0}, now);
}

void EndpointHealth::pause() noexcept {
  change_load([](LoadWord& load) { --load.waiting; });
}

void EndpointHealth::resume(Time now) noexcept {
  change_load([at = tick_of(now)](LoadWord& load) { load.wait(at); });
}

void EndpointHealth::judge(Result result, nanoseconds latency, Time now) noexcept {
  if (result == Result::neutral) return;
  const Tick at = tick_of(now);
  std::uint64_t seen = answers_.load(std::memory_order_relaxed);
  std::uint64_t wanted = 0;
  do {
    AnswersWord answers(seen);
    if (result == Result::success)
      answers.succeed(log_of(latency), at);
    else if (result == Result::failure)
      answers.fail(latency, at);
    else
      answers.wait_in_vain(log_of(latency), at);
    wanted = answers.word();
  } while (wanted != seen && !answers_.compare_exchange_weak(seen, wanted, std::memory_order_relaxed));
}

void EndpointHealth::restart(Time since) noexcept {
  const Tick at = tick_of(since);
  since_.store(since.time_since_epoch().count(), std::memory_order_relaxed);
  last_begin_.store(at, std::memory_order_relaxed);
  answers_.store(at & low_bits(AnswersWord::kTimeBits), std::memory_order_relaxed);
  change_load([at](LoadWord& load) {
    load.progress = at;
    load.unfinished = 0;
  });
}

// ------------------------------------------------------------------------------------------------------ readings

float EndpointHealth::ramp(Time now, nanoseconds slow_start) const noexcept {
  constexpr float kLeast = 0.1F;
  const nanoseconds age(now.time_since_epoch().count() - since_.load(std::memory_order_relaxed));
  if (age >= slow_start) return 1;
  return std::max(static_cast<float>(age.count()) / static_cast<float>(slow_start.count()), kLeast);
}

std::uint32_t EndpointHealth::in_flight() const noexcept {
  return LoadWord(load_.load(std::memory_order_relaxed)).in_flight;
}

HealthView EndpointHealth::view(Time now) const noexcept {
  const AnswersWord answers(answers_.load(std::memory_order_relaxed));
  const LoadWord load(load_.load(std::memory_order_relaxed));
  const Tick at = tick_of(now);
  const Tick overdue = load.waiting == 0 ? 0 : ticks_between<LoadWord::kTimeBits>(load.progress, at);
  const Tick counted = overdue < kMinOverdue ? 0 : overdue * std::min(load.waiting, kWitnesses);
  const Tick unfinished =
      load.unfinished == 0 ? 0 : ticks_between<32>(unfinished_since_.load(std::memory_order_relaxed), at);
  const Tick quiet = ticks_between<32>(last_begin_.load(std::memory_order_relaxed), at);
  return {.latency = answers.latency,
          .successes = std::max(1 - answers.failures, 1 / AnswersWord::kWhole),
          .overdue = static_cast<float>(counted) * kTick,
          .quiet = static_cast<float>(quiet) * kTick,
          .in_flight = load.in_flight,
          .unfinished = load.unfinished,
          .unfinished_for = static_cast<float>(unfinished) * kTick};
}

}  // namespace fusewire::balance
