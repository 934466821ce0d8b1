// SPDX-License-Identifier: Apache-2.0
// What is left of a request when it is over: counters and a line of the access log, both from one value.
#pragma once

#include <cstdint>
#include <string_view>

#include "proxy/observe/access_log.hpp"
#include "proxy/snapshot/snapshot.hpp"
#include "proxy/upstream/inbound.hpp"
#include "proxy/upstream/worker_context.hpp"

namespace fusewire::proxy {

class CallRunner;

// Views are good as long as the request and its calls.
struct FinishedRequest {
  const Inbound& inbound;
  std::string_view listener;
  const Route* route = nullptr;        // nullptr: none was found
  const CallRunner* first = nullptr;   // nullptr: no upstream was to be asked
  const CallRunner* source = nullptr;  // whose answer it got: `first` or its fallback
  WallTime wall{};                     // when it came
  Time started = kNever;
  Time ended = kNever;
  int status = 0;                 // of the answer that was begun; 0: none
  Problem error = Problem::none;  // what that answer of the proxy's own says
  std::string_view detail = {};   // and its sentence
  std::uint64_t bytes_out = 0;    // of its body
  bool cut_off = false;           // by this process' own end
};

// Why this answer: those of the access log.
Flags flags_of(const FinishedRequest&);

// In the cells of its route, or of the listener's requests without one.
void count(WorkerContext&, const Listener&, const FinishedRequest&);

AccessRecord access_record(const FinishedRequest&);
// Into the worker's journal, and on its way to the collector where it is sampled.
void keep(WorkerContext&, const FinishedRequest&);

void write_access_line(WorkerContext&, const config::Log&, const AccessRecord&, Time end);

}  // namespace fusewire::proxy
