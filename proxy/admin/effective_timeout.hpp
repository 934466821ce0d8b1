// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "filters/timeout/adaptive_timeout.hpp"
#include "proxy/snapshot/snapshot.hpp"

namespace fusewire::proxy {

// timeouts.response of the upstream as it is now: the configured one, or the adaptive one.
inline milliseconds response_timeout(const Upstream& upstream, Time now) {
  const config::Timeouts& timeouts = upstream.config->timeouts;
  if (!timeouts.adaptive || upstream.chain.adaptive_timeout == nullptr) return timeouts.response;
  return upstream.chain.adaptive_timeout->value(*timeouts.adaptive, timeouts.response, now);
}

}  // namespace fusewire::proxy
