// SPDX-License-Identifier: Apache-2.0
// How long the peer of what is tested waits: until the test is over.
#pragma once

#include "tests/support/eventually.hpp"

namespace fusewire::testing {

inline constexpr milliseconds kForever = 1h;

}  // namespace fusewire::testing
