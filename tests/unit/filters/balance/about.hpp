// SPDX-License-Identifier: Apache-2.0
// doctest's Approx adds 1 to what its epsilon is a share of; this does not.
#pragma once

#include <doctest/doctest.h>

namespace fusewire::test {

// `value`, by at most that share of it more or less.
inline doctest::Approx about(double value, double share) { return doctest::Approx(value).epsilon(share).scale(0); }

}  // namespace fusewire::test
