// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>
#include <vector>

#include "proxy/snapshot/snapshot.hpp"

namespace fusewire::proxy {

// An upstream, with the snapshot that it is in, and the routes to it whose own breakers are probed.
struct Pinned {
  std::shared_ptr<const Snapshot> snapshot;
  const Upstream* upstream = nullptr;
  std::vector<const Route*> probed_routes = {};

  const config::Upstream& config() const { return *upstream->config; }
};

}  // namespace fusewire::proxy
