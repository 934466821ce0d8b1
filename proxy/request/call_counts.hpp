// SPDX-License-Identifier: Apache-2.0
// What is counted of a call, in the cells of its upstream: one writer each, the worker's thread.
#pragma once

#include <chrono>

#include "filters/call.hpp"
#include "proxy/http/trace_context.hpp"
#include "proxy/observe/cells.hpp"

namespace fusewire::proxy {

// A limit has refused the request: in the cells of whose limit it is.
void count_refusal(RefusedCells&, Problem);
// Of a call that is over: its attempts beside the first.
void count_retries(UpstreamCells&, const Call&);
// Of a call that is over, `now` where its response has no end: how long it took, if its breaker has judged it; and an
// exemplar, where its request has a sampled trace.
void observe_latency(UpstreamCells&, const Call&, const TraceContext* sampled, Time now);
// Of what took so long and ended at that time.
Exemplar exemplar_of(const TraceContext&, std::chrono::nanoseconds taken, WallTime end);
// The steps of its fallback chain since the last time.
void count_fallbacks(UpstreamCells&, Call&);

}  // namespace fusewire::proxy
