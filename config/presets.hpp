// SPDX-License-Identifier: Apache-2.0
// The named settings of a circuit breaker.
#pragma once

#include <optional>
#include <string_view>
#include <vector>

#include "config/config.hpp"

namespace fusewire::config {

std::optional<CircuitBreaker> preset_named(std::string_view name);
std::vector<std::string_view> preset_names();

}  // namespace fusewire::config
