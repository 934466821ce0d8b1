// SPDX-License-Identifier: Apache-2.0
// `fusewire events`.
#pragma once

#include "proxy/cli/admin_client.hpp"
#include "proxy/cli/options.hpp"

namespace fusewire::cli {

// Shows the events that are kept. With --follow goes on with those that come, without an end: where the admin goes away
// it waits, ever longer, until it is back, and goes on behind the last event that was shown; of another process it
// shows all. Ends when nobody reads its output.
int show_events(const AdminClient&, const Options&, const World&);

}  // namespace fusewire::cli
