// SPDX-License-Identifier: Apache-2.0
#include "filters/retry/retry_budget.hpp"

#include <algorithm>

namespace fusewire {
namespace {

// A slot's word is turn:24 | value:40. A turn of the ring takes 32 s, so 24 bits last for 17 years and need no modular
// comparison. 40 bits of thousandths hold 4 billion calls a second; 40 bits of retries are compared modulo.
constexpr unsigned kValueBits = 40;
constexpr std::uint64_t kValueMask = (std::uint64_t{1} << kValueBits) - 1;

constexpr std::uint64_t turn_of(std::uint64_t word) noexcept { return word >> kValueBits; }
constexpr std::uint64_t value_of(std::uint64_t word) noexcept { return word & kValueMask; }

// From 1, so that no word is of a turn before it is written.
constexpr std::uint64_t turn_of_slot(std::uint64_t slot, std::size_t slots) noexcept { return slot / slots + 1; }

constexpr std::uint64_t pack(std::uint64_t turn, std::uint64_t value) noexcept {
  return turn << kValueBits | (value & kValueMask);
}

// From a note to a later count, modulo 2^40; negative where the note is the later one.
constexpr std::int64_t since(std::uint64_t note, std::uint64_t count) noexcept {
  return static_cast<std::int64_t>((count - note) << (64 - kValueBits)) >> (64 - kValueBits);
}

// 0.29 is the 290 thousandths that were meant.
std::uint64_t thousandths(double value) noexcept {
  return static_cast<std::uint64_t>(std::clamp(value, 0.0, 1e9) * 1000 + 1e-6);
}

std::int64_t within(milliseconds window) noexcept { return std::clamp<std::int64_t>(window.count(), 1000, 30'000); }

}  // namespace

RetryBudget::Moment RetryBudget::at(Time now) const noexcept {
  return Moment(std::max<std::int64_t>(0, std::chrono::floor<milliseconds>(now - made_).count()));
}

RetryBudget::Moment RetryBudget::advance(Time now) noexcept {
  const std::int64_t age = at(now).age;
  std::int64_t latest = latest_.load(std::memory_order_acquire);
  while (latest < age && !latest_.compare_exchange_weak(latest, age, std::memory_order_acq_rel)) continue;
  return Moment(std::max(latest, age));
}

void RetryBudget::deposit(const Settings& settings, Time now) noexcept {
  const std::uint64_t slot = at(now).slot;
  const std::uint64_t turn = turn_of_slot(slot, kSlots);
  const std::uint64_t paid = thousandths(std::min(settings.ratio, 1.0));
  std::atomic<std::uint64_t>& word = paid_[slot % kSlots];
  std::uint64_t seen = word.load(std::memory_order_relaxed);
  std::uint64_t wanted = 0;
  do {
    if (turn_of(seen) > turn) return;  // this thread was delayed for more than a turn
    const std::uint64_t before = turn_of(seen) == turn ? value_of(seen) : 0;
    wanted = pack(turn, std::min(before + paid, kValueMask));
  } while (!word.compare_exchange_weak(seen, wanted, std::memory_order_relaxed));
}

bool RetryBudget::try_take(const Settings& settings, Time now) noexcept {
  const Moment moment = advance(now);
  if (!begin(moment.slot)) return false;
  std::uint64_t count = count_.load(std::memory_order_acquire);
  do {
    if (!may_take(settings, moment, count)) return false;
  } while (!count_.compare_exchange_weak(count, count + 1, std::memory_order_acq_rel, std::memory_order_acquire));
  return true;
}

std::uint64_t RetryBudget::available(const Settings& settings, Time now) const noexcept {
  const Moment moment = at(now);
  const auto used = taken(settings, moment, count_.load(std::memory_order_acquire));
  const std::uint64_t tokens = allowed(settings, moment) / kToken;
  return used && tokens > *used ? tokens - *used : 0;
}

// Notes how many retries there were before those of this slot. The note may be too low, when a thread is delayed
// between its two steps: then retries of an earlier slot count for longer, never for less time than they must. False: a
// thread that was delayed for a whole turn.
bool RetryBudget::begin(std::uint64_t slot) noexcept {
  const std::uint64_t turn = turn_of_slot(slot, kSlots);
  std::atomic<std::uint64_t>& word = count_before_[slot % kSlots];
  std::uint64_t seen = word.load(std::memory_order_acquire);
  while (turn_of(seen) < turn) {
    const std::uint64_t wanted = pack(turn, count_.load(std::memory_order_acquire));
    if (word.compare_exchange_weak(seen, wanted, std::memory_order_acq_rel, std::memory_order_acquire)) return true;
  }
  return turn_of(seen) == turn;
}

bool RetryBudget::may_take(const Settings& settings, Moment now, std::uint64_t count) const noexcept {
  const auto used = taken(settings, now, count);
  return used && (*used + 1) * kToken <= allowed(settings, now);
}

// In thousandths: what calls of the slots within the window paid in, and the minimum.
std::uint64_t RetryBudget::allowed(const Settings& settings, Moment now) const noexcept {
  const std::int64_t window = within(settings.window);
  const auto slots = static_cast<std::uint64_t>(window / kSlotMs);
  const double seconds = static_cast<double>(std::min(window, now.age + 1000)) / 1000;
  std::uint64_t sum = thousandths(settings.min_per_second * seconds);
  for (std::uint64_t back = 0; back < slots && back <= now.slot; ++back) {
    const std::uint64_t slot = now.slot - back;
    const std::uint64_t word = paid_[slot % kSlots].load(std::memory_order_relaxed);
    if (turn_of(word) == turn_of_slot(slot, kSlots)) sum += value_of(word);
  }
  return sum;
}

// The retries since the first slot of those that cover the window. The lowest note is taken, because a late thread may
// begin an earlier slot after a later one. A note above `count` was written after `count` was read: the caller's
// exchange will fail. Nothing: the ring has gone on to where this thread still looks.
std::optional<std::uint64_t> RetryBudget::taken(const Settings& settings, Moment now,
                                                std::uint64_t count) const noexcept {
  const auto slots = static_cast<std::uint64_t>((within(settings.window) + kSlotMs - 1) / kSlotMs + 1);
  std::int64_t most = 0;
  for (std::uint64_t back = 0; back < slots && back <= now.slot; ++back) {
    const std::uint64_t slot = now.slot - back;
    const std::uint64_t word = count_before_[slot % kSlots].load(std::memory_order_acquire);
    const std::uint64_t turn = turn_of_slot(slot, kSlots);
    if (turn_of(word) > turn) return std::nullopt;
    if (turn_of(word) == turn) most = std::max(most, since(value_of(word), count));
  }
  return static_cast<std::uint64_t>(most);
}

}  // namespace fusewire
