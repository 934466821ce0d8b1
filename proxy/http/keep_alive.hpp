// SPDX-License-Identifier: Apache-2.0
// The Keep-Alive field (RFC 2068 §19.7.1.1, which HTTP/1.1 never took up and most servers send).
#pragma once

#include <chrono>
#include <optional>
#include <string_view>

namespace fusewire::proxy::http {

// What `timeout=N` says; nothing where it is absent or not a number.
std::optional<std::chrono::seconds> keep_alive_timeout(std::string_view value);

}  // namespace fusewire::proxy::http
