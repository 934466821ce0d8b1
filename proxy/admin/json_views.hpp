// SPDX-License-Identifier: Apache-2.0
// What the admin API shows, as JSON: numbers are numbers with at most three decimals (six for ratios), a name ends in
// `_ms` or `_bytes` where the value has a unit, times are RFC 3339 in UTC. A breaker is a `name`, an upstream an
// `upstream`. Values in, values out.
#pragma once

#include <boost/json.hpp>

#include <chrono>
#include <optional>
#include <string>
#include <vector>

#include "config/load.hpp"
#include "filters/breaker/core/types.hpp"
#include "proxy/control/control.hpp"
#include "proxy/observe/event_log.hpp"
#include "proxy/observe/event_view.hpp"

namespace fusewire::proxy::admin {

// One instant on both clocks.
struct Moment {
  std::chrono::steady_clock::time_point steady;
  std::chrono::system_clock::time_point wall;
};

struct BreakerFacts {
  std::string name;
  breaker::Snapshot snapshot;
  const config::CircuitBreaker* config = nullptr;
  std::optional<breaker::Time> override_end;  // where there is an override that ends by itself
  std::vector<LoggedEvent> last_transitions;  // oldest first
};

// To three decimals.
double rounded(double);

boost::json::object breaker_view(const BreakerFacts&, Moment now);
// The same after an override has been set: whether it takes effect, and if not why.
boost::json::object forced_view(const BreakerFacts&, Moment now);
// State and retry_after_ms alone.
boost::json::object brief_view(const BreakerFacts&);
// "healthy": every breaker lets calls pass; "unhealthy": none does; "degraded": in between, or on trial.
std::string_view verdict(const std::vector<BreakerFacts>&);

boost::json::object reload_view(const ReloadReport&);
boost::json::object check_view(const config::LoadResult&);

}  // namespace fusewire::proxy::admin
