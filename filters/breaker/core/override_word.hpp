// SPDX-License-Identifier: Apache-2.0
// The override above the machine, in one word: its kind and the time at which it ends by itself, if it does.
#pragma once

#include <cstdint>
#include <optional>

#include "filters/breaker/core/state_word.hpp"

namespace fusewire::breaker {

class OverrideWord {
 public:
  constexpr OverrideWord() noexcept = default;  // none
  constexpr OverrideWord(Override kind, std::optional<Millis> end) noexcept
      : bits_(static_cast<std::uint64_t>(kind) << 62 | (end ? static_cast<std::uint64_t>(*end) & kNoEnd : kNoEnd)) {}

  constexpr bool is_set() const noexcept { return kind() != Override::none; }
  constexpr Override kind() const noexcept { return static_cast<Override>(bits_ >> 62); }
  constexpr bool is_over(Millis now) const noexcept { return has_end() && now >= end(); }
  // What is left of it; absent: it has no end.
  constexpr std::optional<milliseconds> left(Millis now) const noexcept {
    if (!has_end()) return std::nullopt;
    return milliseconds(now >= end() ? 0 : end() - now);
  }
  // As seen at `now`: one that is over is none.
  constexpr Override at(Millis now) const noexcept { return is_over(now) ? Override::none : kind(); }

 private:
  static constexpr std::uint64_t kNoEnd = (std::uint64_t{1} << 62) - 1;
  constexpr bool has_end() const noexcept { return (bits_ & kNoEnd) != kNoEnd; }
  constexpr Millis end() const noexcept { return static_cast<Millis>(bits_ & kNoEnd); }

  std::uint64_t bits_ = kNoEnd;
};

}  // namespace fusewire::breaker
