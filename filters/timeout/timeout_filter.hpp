// SPDX-License-Identifier: Apache-2.0
// Decides how long each part of an exchange may take; Forward enforces it. The answers that remain possible at the
// total's end (cache, static) need no time of their own, so nothing is kept back from it.
#pragma once

#include <cstdint>
#include <optional>

#include "filters/filter.hpp"

namespace fusewire {

struct TimeoutFilter : PassThrough {
  // Sets x.total_at, unless it is there and earlier (a detour ends with the request that it is for), and the three
  // x.…_within. A total that is over before anything was sent: TotalTimeout.
  std::optional<Reply> on_request(Exchange&, Time now);
};

// How long the whole request may take: timeouts.total, or the client's shorter wish.
milliseconds total_of(const Exchange&) noexcept;

// What the deadline field says to the upstream: the total's rest in whole ms, at least 0. Absent when the client sent
// no (well-formed) deadline: then the request's fields pass as they are.
std::optional<std::uint64_t> remaining_deadline_ms(const Exchange&, Time now) noexcept;

}  // namespace fusewire
