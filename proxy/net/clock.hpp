// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "filters/time.hpp"

namespace fusewire::proxy {

inline Time steady_now() { return std::chrono::steady_clock::now(); }

}  // namespace fusewire::proxy
