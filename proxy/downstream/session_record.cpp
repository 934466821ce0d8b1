// SPDX-License-Identifier: Apache-2.0
// What a session leaves of each request: counters and a line of the access log.
#include "proxy/downstream/session.hpp"
#include "proxy/net/clock.hpp"
#include "proxy/request/attempt.hpp"
#include "proxy/request/own_answer.hpp"

namespace fusewire::proxy {

// The next request may take idle_timeout from now on.
void Session::record(const Attempt* attempt) {
  over_ = steady_now();
  count(over_);
  if (snapshot_->config.log.access) log(access_record(attempt, over_), over_);
}

void Session::count(Time end) {
  if (listener_ == nullptr) return;
  auto& cells = (route_ != nullptr ? *route_->cells : *listener_->unrouted_cells).of(worker_.index());
  cells.by_class[status_ >= 100 ? static_cast<std::size_t>(status_ / 100 - 1) : TrafficCells::kNoAnswer].add();
  cells.duration.observe(end - started_);
}

// Its views are good as long as the request and the attempt.
AccessRecord Session::access_record(const Attempt* attempt, Time end) const {
  AccessRecord line;
  line.at = wall_;
  line.request_id = inbound_.request_id;
  line.listener = gate_->name;
  line.peer = inbound_.peer.address;
  line.host = inbound_.request.authority;
  line.method = inbound_.request.method;
  line.path = inbound_.request.path;
  line.status = status_;
  if (error_ != Problem::none) line.error = row(error_).name;
  line.bytes_in = inbound_.body.decoded();
  line.bytes_out = bytes_out_;
  line.total = end - started_;
  line.flags = own_flags();
  if (route_ != nullptr) {
    line.route = route_->config->name;
    line.upstream = route_->upstream->config->name;
    line.breaker_state = breaker::to_string(route_->upstream->state->breaker.state());
  }
  if (attempt != nullptr) {
    const Exchange& x = attempt->x;
    line.attempts = attempt->forward.attempts();
    line.fallback = fallback_step(*attempt);
    line.flags = static_cast<Flags>(line.flags | x.flags);
    if (source_ != nullptr) line.flags = static_cast<Flags>(line.flags | source_->x.flags);
    if (const auto& endpoint = attempt->forward.endpoint()) line.endpoint = endpoint->url;
    if (line.attempts > 0) line.upstream_time = (x.response_end == kNever ? end : x.response_end) - x.permitted;
  }
  return line;
}

Flags Session::own_flags() const {
  const Flags refusal = row(error_).flags;
  return stopped_ ? static_cast<Flags>(refusal | bits(Flag::shut_down)) : refusal;
}

// The step of the route's chain that the answer comes from; empty where no fallback answered.
std::string_view Session::fallback_step(const Attempt& first) const {
  if (!first.x.has(Flag::fallback)) return {};
  if (source_ != &first) return "upstream";
  return first.x.has(Flag::cache_hit) || first.x.has(Flag::cache_stale) ? "cache" : "static";
}

void Session::log(const AccessRecord& line, Time end) {
  if (!snapshot_->config.log.access) return;
  worker_.access_log().write(snapshot_->config.log, line);
  worker_.arm_log_flush(end);
}

}  // namespace fusewire::proxy
