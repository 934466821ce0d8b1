// SPDX-License-Identifier: Apache-2.0
// For the tests that know nothing of the network. The build includes it by itself; nobody else does.
#pragma once

#include <doctest/doctest.h>

#include "config/precompiled.hpp"
