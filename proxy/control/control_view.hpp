// SPDX-License-Identifier: Apache-2.0
// What other threads see of Control: an immutable value, which is replaced by a new one at each change.
#pragma once

#include <chrono>
#include <memory>
#include <vector>

#include "proxy/control/reload_report.hpp"
#include "proxy/control/state_registry.hpp"
#include "proxy/snapshot/snapshot.hpp"

namespace fusewire::proxy {

struct ControlView {
  std::shared_ptr<const Snapshot> snapshot;
  config::Admin admin;  // the snapshot's, with the token as admin.token_file holds it now
  ReloadReport last_reload;
  std::chrono::system_clock::time_point last_success{};
  std::vector<StateRegistry::Traffic> traffic;
};

}  // namespace fusewire::proxy
