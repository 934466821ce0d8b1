// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <boost/json.hpp>

#include "proxy/observe/journal.hpp"

namespace fusewire::proxy::admin {

// A request as /admin/explain shows it: what came of it in a sentence, each decision as `steps`, each call with its
// attempts. `incomplete`: it had more attempts, or calls, than there was room for.
boost::json::object explain_view(const JournalEntry&);

}  // namespace fusewire::proxy::admin
