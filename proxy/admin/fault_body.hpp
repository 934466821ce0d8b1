// SPDX-License-Identifier: Apache-2.0
// The body of PUT /admin/faults, read strictly.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "filters/fault/fault.hpp"

namespace fusewire::proxy::admin {

struct FaultBody {
  std::string upstream;
  milliseconds lasts{0};
  fault::Fault fault;  // without its times
  std::string error;   // where what is wrong, and what was expected; empty: nothing is
};

FaultBody parse_fault(std::string_view body);

}  // namespace fusewire::proxy::admin
