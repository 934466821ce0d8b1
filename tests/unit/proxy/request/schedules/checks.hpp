// SPDX-License-Identifier: Apache-2.0
// What must hold in each schedule. What does not is added to the play's findings.
#pragma once

#include <memory>
#include <vector>

#include "proxy/server/worker.hpp"
#include "tests/unit/proxy/request/schedules/breaker_witness.hpp"
#include "tests/unit/proxy/request/schedules/budget_witness.hpp"
#include "tests/unit/proxy/request/schedules/play.hpp"

namespace fusewire::testing {

using Snapshots = std::vector<std::shared_ptr<const proxy::Snapshot>>;

// No request is under way, and all clients have gone: nothing is held.
void check_at_rest(Play&, const Snapshots&, proxy::Worker&, const proxy::ListenerGate&);
// Of each request: its one answer, in time, and how often it was sent.
void check_requests(Play&, const Snapshots&);
// The cells of all that there was say what clients, endpoints and budgets say. All connections are closed.
void check_counts(Play&, const Snapshots&, BreakerWitness&, BudgetWitness&);

}  // namespace fusewire::testing
