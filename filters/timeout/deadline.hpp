// SPDX-License-Identifier: Apache-2.0
// How long a call may take in all, and how much of that is left.
#pragma once

#include <cstdint>
#include <optional>

#include "filters/call.hpp"

namespace fusewire {

// The deadline that the client named in the field of timeouts.deadline_header, in ms from the request's head; of
// several, the shortest. Absent: none that is well-formed.
std::optional<std::uint64_t> client_deadline_ms(const Call&) noexcept;

// How long the whole request may take: timeouts.total, or the client's shorter wish, which is its deadline.
milliseconds total_of(const Call&, std::optional<std::uint64_t> client_deadline_ms) noexcept;
inline milliseconds total_of(const Call& call) noexcept { return total_of(call, client_deadline_ms(call)); }

// When the request's time is over, also where its first call is answered before the deadline filter has set total_at.
inline Time ends_at(const Call& call) noexcept {
  return call.total_at != kNever ? call.total_at : call.context->started + total_of(call);
}

// Whether the deadline leaves less than half of what an answer may take to what begins now: others have used the rest.
bool has_little_time(const Call&, Time now) noexcept;

// What the deadline field says to the upstream: the total's rest in whole ms, at least 1. Absent when the client sent
// no (well-formed) deadline: then the request's fields pass as they are.
std::optional<std::uint64_t> remaining_deadline_ms(const Call&, Time now) noexcept;

}  // namespace fusewire
