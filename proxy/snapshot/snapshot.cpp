// SPDX-License-Identifier: Apache-2.0
#include "proxy/snapshot/snapshot.hpp"

namespace fusewire::proxy {

const Upstream* Snapshot::upstream(std::string_view name) const {
  for (const auto& upstream : upstreams)
    if (upstream->config->name == name) return upstream.get();
  return nullptr;
}

const Listener* Snapshot::listener(std::string_view name) const {
  for (const auto& listener : listeners)
    if (listener->config->name == name) return listener.get();
  return nullptr;
}

}  // namespace fusewire::proxy
