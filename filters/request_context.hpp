// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>

#include "filters/message.hpp"
#include "filters/time.hpp"

namespace fusewire {

// One request, whichever upstreams it is sent to: its calls share it. Its driver makes it and owns it; it outlives
// them. Belongs to one worker thread, and does not change while a call runs.
struct RequestContext {
  const Request* request = nullptr;  // never null in a call
  Time started = kNever;             // the head was complete
  WallTime wall{};                   // the same moment by the wall clock
  std::uint64_t random = 0;          // another number for each request
  std::uint64_t body_size = 0;       // of what is in memory of the body
  bool body_replayable = true;       // no body, or all of it is still in memory
  bool deadline_trusted = true;      // the client may set its deadline and its priority
  bool background = false;           // the proxy's own, to renew what is stored: nobody is answered
};

}  // namespace fusewire
