// SPDX-License-Identifier: Apache-2.0
// Every key of the configuration file, built or not, as the descriptions (describe/visitor.hpp) name them: what the
// shape check, the overrides and the schema's test go by. Immutable.
#pragma once

#include "config/key.hpp"

namespace fusewire::config {

const Shape& file_shape();             // the whole file
const Shape& circuit_breaker_shape();  // `circuit_breaker:` alone

}  // namespace fusewire::config
