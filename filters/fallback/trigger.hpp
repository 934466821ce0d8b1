// SPDX-License-Identifier: Apache-2.0
// Whether a fallback chain runs for a reply.
#pragma once

#include <string_view>

#include "filters/call.hpp"
#include "filters/reply.hpp"

namespace fusewire {

// What this reply is to a fallback. Names are for the proxy's own answers, statuses for the upstream's.
Trigger trigger_of(const Call&, const Reply&) noexcept;

// Whether the call's `on:` lists it.
bool falls_back(const Call&, const Reply&) noexcept;

// Whether these conditions hold what came of a call: its trigger, or where that is the upstream's answer its status.
bool lists(const config::Conditions&, Trigger, int status) noexcept;

// "circuit-open", "timeout", …
std::string_view detail_of(Trigger) noexcept;

}  // namespace fusewire
