// SPDX-License-Identifier: Apache-2.0
#include "proxy/downstream/http1_persistence.hpp"

namespace fusewire::proxy {

bool Http1Persistence::must_close() const {
  const bool is_last = client_.is_half_closed() && client_.buffer().empty();
  return ended_ || leaving_ || client_closes() || is_last || inbound_.has_lost_bound() || worker_.draining() ||
         gate_.full.load(std::memory_order_relaxed);
}

bool Http1Persistence::client_closes() const {
  return inbound_.connection.close || (inbound_.request.minor_version == 0 && !inbound_.connection.keep_alive);
}

bool Http1Persistence::rest_is_drainable() const {
  constexpr std::uint64_t kDrainable = 64 * 1024;
  if (inbound_.body.done()) return true;
  const bool waits = inbound_.request.fields.find("expect").has_value();  // it may never send it
  return !waits && inbound_.body.kind() == BodyKind::length && inbound_.body.remaining() <= kDrainable;
}

}  // namespace fusewire::proxy
