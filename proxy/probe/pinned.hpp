// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>

#include "proxy/snapshot/snapshot.hpp"

namespace fusewire::proxy {

// An upstream, with the snapshot that it is in.
struct Pinned {
  std::shared_ptr<const Snapshot> snapshot;
  const Upstream* upstream = nullptr;

  const config::Upstream& config() const { return *upstream->config; }
};

}  // namespace fusewire::proxy
