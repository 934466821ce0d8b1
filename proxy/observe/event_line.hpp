// SPDX-License-Identifier: Apache-2.0
// The log line of a breaker's event: breaker, from, to, reason, figures, thresholds, open for.
#pragma once

#include <string_view>

#include "filters/breaker/core/types.hpp"

namespace fusewire::proxy {

// Any thread.
void write_event_line(std::string_view breaker, const breaker::Event&);

}  // namespace fusewire::proxy
