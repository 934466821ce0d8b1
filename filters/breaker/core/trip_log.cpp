// SPDX-License-Identifier: Apache-2.0
#include "filters/breaker/core/trip_log.hpp"

#include <algorithm>
#include <thread>

namespace fusewire::breaker {

namespace {

std::uint64_t two(std::uint64_t high, std::uint64_t low) noexcept {
  constexpr std::uint64_t kMax = std::numeric_limits<std::uint32_t>::max();
  return std::min(high, kMax) << 32 | std::min(low, kMax);
}

}  // namespace

void TripLog::write(const Trip& trip) noexcept {
  std::uint64_t version = version_.load(std::memory_order_relaxed);
  if ((version & 1) != 0 || !version_.compare_exchange_strong(version, version + 1, std::memory_order_acq_rel)) return;
  const std::array<std::uint64_t, kWords> words = {
      std::bit_cast<std::uint64_t>(trip.value),
      std::bit_cast<std::uint64_t>(trip.threshold),
      two(trip.window.ended, trip.window.failures),
      two(trip.window.judged, trip.window.slow),
      static_cast<std::uint64_t>(trip.open_for.count()),
      std::bit_cast<std::uint64_t>(static_cast<std::int64_t>(trip.at.time_since_epoch().count())),
      (trip.failure ? static_cast<std::uint64_t>(*trip.failure) + 1 : 0) << 40 |
          std::uint64_t{trip.consecutive_slow_calls & 0xffffU} << 24 |
          std::uint64_t{trip.consecutive_failures & 0xffffU} << 8 | static_cast<std::uint64_t>(trip.reason),
  };
  // Released, so that a reader who sees one of them finds the odd version afterwards.
  for (std::size_t i = 0; i < kWords; ++i) words_[i].store(words[i], std::memory_order_release);
  version_.store(version + 2, std::memory_order_release);
}

std::optional<Trip> TripLog::read() const noexcept {
  for (;;) {
    const std::uint64_t version = version_.load(std::memory_order_acquire);
    if (version == 0) return std::nullopt;
    std::array<std::uint64_t, kWords> words{};
    for (std::size_t i = 0; i < kWords; ++i) words[i] = words_[i].load(std::memory_order_acquire);
    if ((version & 1) != 0 || version_.load(std::memory_order_relaxed) != version) {
      std::this_thread::yield();
      continue;
    }
    const auto high = [](std::uint64_t word) { return word >> 32; };
    const auto low = [](std::uint64_t word) { return word & 0xffffffffU; };
    Trip trip;
    trip.reason = static_cast<Reason>(words[6] & 0xffU);
    trip.value = std::bit_cast<double>(words[0]);
    trip.threshold = std::bit_cast<double>(words[1]);
    trip.window = {.ended = high(words[2]), .failures = low(words[2]), .judged = high(words[3]), .slow = low(words[3])};
    trip.consecutive_failures = static_cast<std::uint32_t>(words[6] >> 8) & 0xffffU;
    trip.consecutive_slow_calls = static_cast<std::uint32_t>(words[6] >> 24) & 0xffffU;
    if (const std::uint64_t kind = words[6] >> 40; kind != 0) trip.failure = static_cast<FailureKind>(kind - 1);
    trip.open_for = milliseconds(words[4]);
    trip.at = Time(Time::duration(std::bit_cast<std::int64_t>(words[5])));
    return trip;
  }
}

}  // namespace fusewire::breaker
