// SPDX-License-Identifier: Apache-2.0
// What follows an attempt. Values in, values out.
#pragma once

#include <chrono>
#include <cstdint>
#include <string>
#include <string_view>

#include "filters/time.hpp"

namespace fusewire::proxy {

enum class AttemptEnd {
  taken,    // 2xx
  again,    // no answer, 429, 408, 5xx: another attempt may help
  refused,  // anything else, redirects included: none will
};
AttemptEnd judge_attempt(int status);  // 0: no answer

// The pause before the next attempt, after `attempt` of them: doubled each time from 500 ms to 30 s, of which a random
// half is taken off (`random`: 0 to 1), and no shorter than the answer's Retry-After, up to a minute.
std::chrono::milliseconds pause_after(std::uint32_t attempt, std::string_view retry_after, double random, WallTime now);

}  // namespace fusewire::proxy
