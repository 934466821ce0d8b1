// SPDX-License-Identifier: Apache-2.0
// The stream of GET /admin/events/stream: each transition and override, with its id.
#pragma once

#include <cstdint>

#include "proxy/admin/event_source.hpp"
#include "proxy/observe/event_log.hpp"

namespace fusewire::proxy::admin {

class LoggedEvents final : public EventSource {
 public:
  // Those with a larger id than `after`. The log outlives it.
  LoggedEvents(const EventLog& log, std::uint64_t after) : log_(log), after_(after) {}
  Text next() override;

 private:
  const EventLog& log_;
  std::uint64_t after_;
};

}  // namespace fusewire::proxy::admin
