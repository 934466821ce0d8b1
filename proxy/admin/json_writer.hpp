// SPDX-License-Identifier: Apache-2.0
// JSON as a person likes to read it: 0.25 and 5, where Boost.JSON's own serializer writes 2.5E-1 and 5E0.
#pragma once

#include <boost/json/value.hpp>
#include <string>

namespace fusewire::proxy::admin {

std::string to_text(const boost::json::value&);

}  // namespace fusewire::proxy::admin
