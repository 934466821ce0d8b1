// SPDX-License-Identifier: Apache-2.0
// What a session leaves of each request.
#include "proxy/downstream/session.hpp"
#include "proxy/net/clock.hpp"
#include "proxy/request/record.hpp"

namespace fusewire::proxy {

// The next request may take idle_timeout from now on.
void Session::record(const CallRunner* call) {
  over_ = steady_now();
  const FinishedRequest request = finished(call, over_);
  if (listener_ != nullptr) count(worker_, *listener_, request);
  if (snapshot_->config.log.access) write_access_line(worker_, snapshot_->config.log, access_record(request), over_);
}

FinishedRequest Session::finished(const CallRunner* call, Time end) const {
  return {.inbound = inbound_,
          .listener = gate_->name,
          .route = route_,
          .first = call,
          .source = source_,
          .wall = wall_,
          .started = started_,
          .ended = end,
          .status = status_,
          .error = error_,
          .bytes_out = bytes_out_,
          .cut_off = stopped_};
}

}  // namespace fusewire::proxy
