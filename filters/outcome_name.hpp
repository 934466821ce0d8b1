// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <cstddef>
#include <string_view>

#include "filters/outcome.hpp"

namespace fusewire {

// As it is shown to people and in traces: "connect_refused".
constexpr std::string_view to_string(Outcome outcome) {
  constexpr auto kNames = std::to_array<std::string_view>({"pending",
                                                           "local",
                                                           "complete",
                                                           "abandoned",
                                                           "superseded",
                                                           "connect_refused",
                                                           "connect_unreachable",
                                                           "connect_timeout",
                                                           "dns_error",
                                                           "dns_timeout",
                                                           "tls_error",
                                                           "response_timeout",
                                                           "total_timeout",
                                                           "idle_timeout",
                                                           "reset",
                                                           "protocol_error",
                                                           "incomplete",
                                                           "client_gone",
                                                           "cut_off",
                                                           "client_fault",
                                                           "overload",
                                                           "resource_exhausted"});
  static_assert(kNames.size() == kOutcomes.size());
  return kNames[static_cast<std::size_t>(outcome)];
}

}  // namespace fusewire
