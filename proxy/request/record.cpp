// SPDX-License-Identifier: Apache-2.0
#include "proxy/request/record.hpp"

#include "proxy/request/call_counts.hpp"
#include "proxy/request/call_runner.hpp"

namespace fusewire::proxy {

Flags flags_of(const FinishedRequest& request) {
  Flags flags = row(request.error).flags;
  if (request.cut_off) flags = static_cast<Flags>(flags | bits(Flag::shut_down));
  if (request.first != nullptr) flags = static_cast<Flags>(flags | request.first->call.flags);
  if (request.source != nullptr) flags = static_cast<Flags>(flags | request.source->call.flags);
  return flags;
}

namespace {

// Also of a request that is not traced here: its client may know it by that.
std::string_view trace_id_of(const Inbound& inbound) {
  if (inbound.trace != nullptr) return inbound.trace->trace_id();
  for (const Field& field : inbound.request.fields)
    if (field.id == FieldId::traceparent) return trace_id_in(field.value);
  return {};
}

// The step of the route's chain that the answer comes from; empty where no fallback answered.
std::string_view fallback_step(const FinishedRequest& request) {
  const Call& call = request.first->call;
  if (!call.has(Flag::fallback)) return {};
  if (request.source != request.first) return "upstream";
  return call.has(Flag::cache_hit) || call.has(Flag::cache_stale) ? "cache" : "static";
}

}  // namespace

void count(WorkerContext& worker, const Listener& listener, const FinishedRequest& request) {
  auto& cells = (request.route != nullptr ? *request.route->cells : *listener.unrouted_cells).of(worker.index());
  const int status = request.status;
  cells.by_class[status >= 100 ? static_cast<std::size_t>(status / 100 - 1) : TrafficCells::kNoAnswer].add();
  const std::chrono::nanoseconds taken = request.ended - request.started;
  cells.duration.observe(taken);
  if (const TraceContext* const trace = request.inbound.sampled_trace())
    cells.duration.keep_exemplar(exemplar_of(*trace, taken, request.wall + taken));
}

AccessRecord access_record(const FinishedRequest& request) {
  const Inbound& inbound = request.inbound;
  AccessRecord line;
  line.at = request.wall;
  line.request_id = inbound.request_id;
  line.trace_id = trace_id_of(inbound);
  line.listener = request.listener;
  line.peer = inbound.peer.address;
  line.host = inbound.request.authority;
  line.method = inbound.request.method;
  line.path = inbound.request.path;
  line.status = request.status;
  if (request.error != Problem::none) line.error = row(request.error).name;
  line.bytes_in = inbound.body.decoded();
  line.bytes_out = request.bytes_out;
  line.total = request.ended - request.started;
  line.flags = flags_of(request);
  if (request.route != nullptr) {
    line.route = request.route->config->name;
    line.upstream = request.route->upstream->config->name;
    line.breaker_state = breaker::to_string(request.route->chain().breaker->state());
  }
  if (request.first == nullptr) return line;
  const Exchange& x = request.first->exchange();
  line.attempts = request.first->attempts();
  line.fallback = fallback_step(request);
  if (const auto& endpoint = request.first->endpoint()) line.endpoint = endpoint->url;
  if (line.attempts > 0)
    line.upstream_time = (x.response_end == kNever ? request.ended : x.response_end) - request.first->call.permitted;
  return line;
}

void write_access_line(WorkerContext& worker, const config::Log& settings, const AccessRecord& line, Time end) {
  if (!settings.access) return;
  worker.access_log().write(settings, line);
  worker.arm_log_flush(end);
}

}  // namespace fusewire::proxy
