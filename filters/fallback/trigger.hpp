// SPDX-License-Identifier: Apache-2.0
// Why a fallback chain may run: the names of `fallback.on` and of Cache-Status details.
#pragma once

#include <cstdint>
#include <string_view>

#include "filters/exchange.hpp"

namespace fusewire {

enum class Trigger : std::uint8_t {
  none,  // no matter for a fallback: a good answer, or the client's own fault
  breaker_open,
  connect_error,
  timeout,
  reset,
  protocol_error,
  incomplete,
  overload,
  status,  // the upstream's answer, by its number
};

// What this reply is to a fallback. Names are for the proxy's own answers, statuses for the upstream's.
Trigger trigger_of(const Exchange&, const Reply&) noexcept;

// Whether the exchange's `on:` lists it.
bool falls_back(const Exchange&, const Reply&) noexcept;

// "circuit-open", "timeout", …
std::string_view detail_of(Trigger) noexcept;

}  // namespace fusewire
