// SPDX-License-Identifier: Apache-2.0
// Why a filter decided as it did, in words: for explanations and for traces.
#pragma once

#include <array>
#include <string_view>

#include "filters/notes.hpp"

namespace fusewire::proxy {

struct DecisionWords {
  std::string_view reason = {};    // "over_budget": a code that stays; empty: the decision says it all
  std::string_view sentence = {};  // "retries.budget was spent"; empty where the decision's own sentence has it
};

DecisionWords words_of(const Note&);

// By FallbackType and FallbackResult, as in the access log and in metrics.
inline constexpr std::array<std::string_view, 3> kFallbackTypeNames = {"cache", "upstream", "static"};
inline constexpr std::array<std::string_view, 3> kFallbackResultNames = {"hit", "miss", "error"};

}  // namespace fusewire::proxy
