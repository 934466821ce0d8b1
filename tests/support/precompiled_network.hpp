// SPDX-License-Identifier: Apache-2.0
// For the tests of what is on the network. The build includes it by itself; nobody else does.
#pragma once

#include <doctest/doctest.h>

#include "proxy/net/precompiled.hpp"
