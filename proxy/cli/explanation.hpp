// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <boost/json/fwd.hpp>
#include <string>

namespace fusewire::cli {

// The answer of /admin/explain/ID: what came of each request of that id, the newest first, and how.
std::string explanation(const boost::json::value&);

}  // namespace fusewire::cli
