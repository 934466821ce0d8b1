// SPDX-License-Identifier: Apache-2.0
// When a retry may be sent: a random wait of our own, and the time that the upstream asks for. Pure functions.
#pragma once

#include <cstdint>
#include <optional>

#include "filters/message.hpp"
#include "filters/time.hpp"

namespace fusewire {

// The wait before the n-th retry (from 0): uniform in [0, min(max, base x 2^n)], in whole milliseconds ("full jitter":
// Marc Brooker, "Exponential Backoff and Jitter", AWS Architecture Blog, 2015: of the jitters compared there it makes
// the fewest calls, because retries that failed together do not return together). `random` is uniform over 64 bits.
// Negative durations are taken as 0.
milliseconds full_jitter(milliseconds base, milliseconds max, unsigned n, std::uint64_t random) noexcept;

// A wish for more is cut to this. It is far beyond any request's deadline: the caller sees that it cannot wait.
inline constexpr std::chrono::seconds kMaxRetryAfter = std::chrono::hours(24);

// How long the upstream asks to be left alone: Retry-After as delta-seconds or as HTTP-date (RFC 9110 §10.2.3); a date
// that is past is 0. Of several fields the longest counts, so that none is disregarded. Absent: there is none that is
// well-formed.
std::optional<milliseconds> retry_after(const Fields&, WallTime now) noexcept;

}  // namespace fusewire
