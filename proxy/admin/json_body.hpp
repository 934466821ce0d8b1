// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <boost/json.hpp>
#include <string>
#include <string_view>

namespace fusewire::proxy::admin {

struct JsonBody {
  boost::json::object object;
  std::string error;  // where what is wrong, and what was expected; empty: nothing is
};

// A body that is one JSON object (RFC 8259), in which no name is given twice.
JsonBody parse_object(std::string_view body);

}  // namespace fusewire::proxy::admin
