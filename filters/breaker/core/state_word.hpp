// SPDX-License-Identifier: Apache-2.0
// The machine's whole state in one 64-bit word, so that a transition is one compare-and-swap and exactly one caller
// wins it:
//
//   63..62 state | 61..40 generation | 39..0 payload
//   payload   closed     row:7
//             open       row:7  deadline:33 (ms, modulo)
//             half_open  row:7  in_flight:7  successes:7  failures:7  admissions:11  early:1
//
// `row` is the number of trips in a row (back-off); `admissions` tells two words apart between which a slot was given
// back and taken again; `early` says that the open interval was not over.
#pragma once

#include <algorithm>
#include <cstdint>

#include "filters/breaker/core/types.hpp"

namespace fusewire::breaker {

// Milliseconds since the breaker was made.
using Millis = std::int64_t;

inline constexpr unsigned kGenerationBits = 22;
inline constexpr std::uint32_t kGenerationMask = (1U << kGenerationBits) - 1;

// Whether `a` came after `b`, modulo 2^22. Only a thread that was delayed for fewer than 65,536 generations asks; a
// word that lies further ahead is left over from before the last wrap-around.
constexpr bool newer_generation(std::uint32_t a, std::uint32_t b) noexcept {
  const std::uint32_t ahead = (a - b) & kGenerationMask;
  return ahead != 0 && ahead < (1U << 16);
}

// A plain value: made by closed(), open() or half_open(), read by its accessors, and exchanged as bits(). The breaker
// holds it in an atomic, and only there is it shared. Accessors of one state's payload mean nothing in another state.
// Invariants: counts never exceed their fields (row stops at kMaxCount; the breaker admits no more trials than that),
// and the generation is modulo 2^22.
class StateWord {
 public:
  static constexpr unsigned kDeadlineBits = 33;
  static constexpr std::uint64_t kDeadlineMask = (std::uint64_t{1} << kDeadlineBits) - 1;
  // A deadline further back than this would be read as one in the future, unless the time at which it was set is known.
  static constexpr Millis kPast = Millis{1} << 24;
  static constexpr Millis kLongestInterval = static_cast<Millis>(kDeadlineMask) - kPast;  // 99 days
  static constexpr std::uint32_t kMaxCount = 127;                                         // row and half-open counts

  struct Probes {
    std::uint32_t in_flight = 0;
    std::uint32_t successes = 0;
    std::uint32_t failures = 0;
    std::uint32_t admissions = 0;  // modulo 2048
    bool early = false;            // the open interval was ended before its time
  };

  constexpr StateWord() noexcept = default;
  constexpr explicit StateWord(std::uint64_t bits) noexcept : bits_(bits) {}

  static constexpr StateWord closed(std::uint32_t generation, std::uint32_t row) noexcept {
    return pack(State::closed, generation, row, 0);
  }
  static constexpr StateWord open(std::uint32_t generation, std::uint32_t row, Millis deadline) noexcept {
    return pack(State::open, generation, row, static_cast<std::uint64_t>(deadline) & kDeadlineMask);
  }
  static constexpr StateWord half_open(std::uint32_t generation, std::uint32_t row, Probes p) noexcept {
    const std::uint64_t rest = p.in_flight | std::uint64_t{p.successes} << 7 | std::uint64_t{p.failures} << 14 |
                               std::uint64_t{p.admissions & 2047U} << 21 | std::uint64_t{p.early} << 32;
    return pack(State::half_open, generation, row, rest);
  }

  constexpr std::uint64_t bits() const noexcept { return bits_; }
  constexpr State state() const noexcept { return static_cast<State>(bits_ >> 62); }
  constexpr std::uint32_t generation() const noexcept {
    return static_cast<std::uint32_t>(bits_ >> 40) & kGenerationMask;
  }
  constexpr std::uint32_t next_generation() const noexcept { return (generation() + 1) & kGenerationMask; }
  constexpr std::uint32_t row() const noexcept { return static_cast<std::uint32_t>(bits_ >> 33) & kMaxCount; }
  constexpr std::uint32_t next_row() const noexcept { return std::min(row() + 1, kMaxCount); }

  // half_open
  constexpr Probes probes() const noexcept {
    return {field(0, kMaxCount), field(7, kMaxCount), field(14, kMaxCount), field(21, 2047), field(32, 1) != 0};
  }

  // open: what is left of the interval, never negative. `since` is when it began, or -1 in the instant in which that is
  // not published yet; then the deadline is compared modulo.
  constexpr Millis left(Millis now, Millis since) const noexcept {
    const std::uint64_t deadline = bits_ & kDeadlineMask;
    if (since >= 0) {
      const auto interval = static_cast<Millis>((deadline - static_cast<std::uint64_t>(since)) & kDeadlineMask);
      return std::max<Millis>(0, since + interval - now);
    }
    const auto ahead = static_cast<Millis>((deadline - static_cast<std::uint64_t>(now)) & kDeadlineMask);
    return ahead > kLongestInterval ? 0 : ahead;
  }

 private:
  static constexpr StateWord pack(State state, std::uint32_t generation, std::uint32_t row,
                                  std::uint64_t rest) noexcept {
    return StateWord(static_cast<std::uint64_t>(state) << 62 | std::uint64_t{generation & kGenerationMask} << 40 |
                     std::uint64_t{std::min(row, kMaxCount)} << 33 | rest);
  }
  constexpr std::uint32_t field(unsigned shift, std::uint32_t mask) const noexcept {
    return static_cast<std::uint32_t>(bits_ >> shift) & mask;
  }

  std::uint64_t bits_ = 0;
};

}  // namespace fusewire::breaker
