// SPDX-License-Identifier: Apache-2.0
// What must hold of everything that went over the stage's sockets, whatever it was. Aborts when it does not.
#pragma once

#include "tests/fuzz/exchange/stage.hpp"

namespace fusewire::fuzz {

void judge(const Stage&, const Setup&);

}  // namespace fusewire::fuzz
