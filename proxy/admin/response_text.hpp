// SPDX-License-Identifier: Apache-2.0
// An answer of the admin API as it goes over the wire.
#pragma once

#include <chrono>
#include <string>

#include "proxy/admin/message.hpp"

namespace fusewire::proxy::admin {

// The head; Reply::content() follows it, unless only the head was asked for.
std::string response_head(const Reply&, std::chrono::system_clock::time_point now, bool keep_alive);
// The head of an event stream; the connection's end ends it.
std::string stream_head(std::chrono::system_clock::time_point now);

}  // namespace fusewire::proxy::admin
