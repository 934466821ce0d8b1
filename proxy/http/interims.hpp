// SPDX-License-Identifier: Apache-2.0
#pragma once

namespace fusewire::proxy::http {

inline constexpr unsigned kMaxInterims = 64;  // 1xx that are read before one final response

}  // namespace fusewire::proxy::http
