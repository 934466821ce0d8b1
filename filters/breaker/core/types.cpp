// SPDX-License-Identifier: Apache-2.0
#include "filters/breaker/core/types.hpp"

#include <array>

namespace fusewire::breaker {

namespace {

template <std::size_t N, class Enum>
std::string_view name_of(const std::array<std::string_view, N>& names, Enum value) {
  const auto index = static_cast<std::size_t>(value);
  return index < N ? names[index] : std::string_view("unknown");
}

}  // namespace

std::string_view to_string(State state) {
  return name_of(std::array<std::string_view, 3>{"closed", "open", "half_open"}, state);
}

std::string_view to_string(Override kind) {
  return name_of(std::array<std::string_view, 3>{"none", "forced_open", "forced_closed"}, kind);
}

std::string_view to_string(Reason reason) {
  return name_of(std::array<std::string_view, kReasons>{"consecutive_failures", "failure_count", "failure_rate",
                                                        "consecutive_slow_calls", "slow_call_rate", "probe_failed",
                                                        "half_open_timeout"},
                 reason);
}

std::string_view to_string(FailureKind kind) {
  return name_of(std::array<std::string_view, 7>{"connect_error", "timeout", "reset", "protocol_error", "incomplete",
                                                 "status", "other"},
                 kind);
}

std::string_view to_string(RejectedBy by) {
  return name_of(std::array<std::string_view, 4>{"open", "half_open", "forced_open", "ramp"}, by);
}

}  // namespace fusewire::breaker
